"""Search of numpy arrays: a matrix goes in where it lies, and the hits come out as arrays.

    python3 numpy-search.py STORE

The vectors are random here; an array of float32 from any model does the same.
"""

import sys

import numpy
import roost

ROWS, DIMENSION, QUERIES, K = 3_000, 32, 50, 10


def main(path):
    random = numpy.random.default_rng(1)
    vectors = random.standard_normal((ROWS, DIMENSION), dtype=numpy.float32)
    queries = vectors[:QUERIES] + 0.1 * random.standard_normal(
        (QUERIES, DIMENSION), dtype=numpy.float32)
    years = random.integers(1990, 2030, ROWS)

    with roost.open(path) as store:
        rows = store.ensure_collection("rows", dimension=DIMENSION, metric="l2")
        rows.upsert(
            [str(row) for row in range(ROWS)], vectors,
            metadata=[{"year": int(year)} for year in years])
        rows.ensure_index({"vector": {"method": "hnsw"}})

        # All queries at once, on all cores; distances is an array of QUERIES x K.
        hits = rows.search(queries, k=K, recall=0.95)
        print("distances", hits.distances.shape, hits.distances.dtype)
        nearest = numpy.array([ids[0] for ids in hits.ids], dtype=int)
        print("own row first", int((nearest == numpy.arange(QUERIES)).sum()), "of", QUERIES)

        # numpy's own answer to the same question.
        squares = ((queries[:, None, :] - vectors[None, :, :]) ** 2).sum(axis=2)
        truth = numpy.argsort(squares, axis=1)[:, :K]
        found = [set(map(int, ids)) & set(row) for ids, row in zip(hits.ids, truth.tolist())]
        recall = sum(map(len, found)) / truth.size
        print("recall is at least 0.95:", recall >= 0.95)

        # A filter never shortens the answer as long as there are enough records.
        recent = rows.search(queries[0], k=K, filter={"gt": ["year", 2019]})[0]
        print("recent", len(recent), all(hit.metadata["year"] > 2019 for hit in recent))


main(sys.argv[1])
