# What the README takes as given.

import random

try:
    import numpy
except ImportError:
    numpy = None

vectors = [[random.random() for _ in range(384)] for _ in range(20)]
if numpy is not None:
    vectors = numpy.array(vectors, dtype=numpy.float32)
ids = [str(number) for number in range(20)]
rows = [{"year": 2000 + number} for number in range(20)]
queries = vectors[:2]

# block 1
    assert len(hits) == 2 and len(hits[0]) == 4, hits
