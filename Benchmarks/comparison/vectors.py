"""The data of a run: vectors, queries, columns to filter by, and vectors made up from a seed."""

import gzip
import hashlib
import json
import os
import pathlib

import numpy as np


class Data:
    """Base rows, queries, a metric, and a dict of columns."""

    def __init__(self, name, base, queries, metric, columns=None, truth=None):
        self.name = name
        self._digest = None
        self.metric = metric
        self.base = np.ascontiguousarray(base, np.float32)
        self.queries = np.ascontiguousarray(queries, np.float32)
        self.columns = dict(columns or {})
        self.truth = truth
        """Row numbers of the nearest for each query, where the data came with them."""
        if metric == "cosine":
            self.base = unit(self.base)
            self.queries = unit(self.queries)
        if "number" not in self.columns and "gloss_len" not in self.columns:
            numbers = np.random.default_rng(7).integers(0, 10_000, len(self.base))
            self.columns["number"] = numbers

    def limited(self, rows):
        """The first rows only, for which a truth of all rows does not hold."""
        if not rows or rows >= len(self.base):
            return self
        columns = {name: values[:rows] for name, values in self.columns.items()}
        return Data(self.name, self.base[:rows], self.queries, self.metric, columns)

    def metadata(self, rows=None):
        """A dict a row."""
        rows = range(len(self.base)) if rows is None else rows
        names = list(self.columns)
        values = [self.columns[name][rows].tolist() for name in names]
        return [dict(zip(names, row)) for row in zip(*values)]

    def digest(self):
        """Names the base and the queries, so that what is computed of them can be kept."""
        if self._digest is None:
            self._digest = self._computed_digest()
        return self._digest

    def _computed_digest(self):
        digest = hashlib.sha256(self.metric.encode())
        for array in (self.base, self.queries):
            digest.update(str(array.shape).encode())
            digest.update(array)
        return digest.hexdigest()[:24]


def unit(vectors):
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    return np.ascontiguousarray(vectors / lengths, np.float32)


# Filters

SHARES = (0.01, 0.1, 0.5)


def filters(data, shares=SHARES):
    """Filters that let about these shares pass, each with the mask of the rows that do.

    Of a column of labels, which go with the vectors, those labels whose rows together come closest
    to the share; of a column of numbers, which hardly do, the smallest.
    """
    found = []
    for name in ("lexfile", "label", "cluster"):
        if name in data.columns:
            for share in shares:
                labels = labels_of_share(data.columns[name], share)
                mask = np.isin(data.columns[name], labels)
                # Ten labels cannot let 1 % pass, and what they let pass must not be called that.
                if abs(mask.mean() - share) > share / 2:
                    continue
                found.append((f"{name} {share:.0%}", {"in": [name, list(labels)]}, mask))
    for name in ("gloss_len", "number"):
        if name in data.columns:
            for share in shares:
                values = np.sort(data.columns[name])
                bound = int(values[min(len(values) - 1, round(share * len(values)))])
                found.append(
                    (f"{name} {share:.0%}", {"lt": [name, bound]}, data.columns[name] < bound)
                )
    return [entry for entry in found if entry[2].any()]


def labels_of_share(column, share):
    """The one label closest to the share, joined by others as long as that brings them closer."""
    labels, counts = np.unique(column, return_counts=True)
    goal = share * len(column)
    chosen, total = [], 0
    left = list(range(len(labels)))
    while left:
        best = min(left, key=lambda place: (abs(total + counts[place] - goal), place))
        if chosen and abs(total + counts[best] - goal) >= abs(total - goal):
            break
        chosen.append(best)
        total += counts[best]
        left.remove(best)
    return [labels[place].item() for place in chosen]


# Made up


def generated(rows, dimension=128, queries=1000, seed=1, clusters=None, metric="l2"):
    """Clustered vectors, each cluster stretched along directions of its own.

    Clusters differ in size as words do, and variances fall off along the axes, so that the vectors
    lie near a space of far fewer dimensions, as embeddings do. Queries are drawn like the rows.
    """
    random = np.random.default_rng(seed)
    clusters = clusters or max(8, int(round((rows**0.5) / 2)))
    weights = 1.0 / np.arange(1, clusters + 1) ** 0.7
    weights /= weights.sum()
    falling = 1.0 / np.sqrt(1.0 + np.arange(dimension))
    rotation, _ = np.linalg.qr(random.standard_normal((dimension, dimension)))
    centres = (random.standard_normal((clusters, dimension)) * falling) @ rotation * 1.5
    # The order of the axes differs by cluster, and so does the direction of the stretch.
    orders = np.stack([random.permutation(dimension) for _ in range(clusters)])

    def draw(count, source):
        group = source.choice(clusters, count, p=weights)
        vectors = np.empty((count, dimension), np.float32)
        for start in range(0, count, 100_000):
            part = slice(start, start + 100_000)
            noise = source.standard_normal((len(group[part]), dimension))
            noise *= falling[orders[group[part]]]
            vectors[part] = centres[group[part]] + noise @ rotation
        return vectors, group

    base, group = draw(rows, np.random.default_rng([seed, 1]))
    wanted, _ = draw(queries, np.random.default_rng([seed, 2]))
    labels = np.array([f"g{number}" for number in range(clusters)])[group]
    return Data(f"generated-{dimension}", base, wanted, metric, {"cluster": labels})


# Files


def read_vectors(path):
    """Rows of an .npy, .npy.gz, .fvecs or .bvecs file."""
    path = pathlib.Path(path)
    name = path.name
    if name.endswith(".npy.gz"):
        with gzip.open(path) as file:
            return np.load(file, allow_pickle=False)
    if name.endswith(".npy"):
        return np.load(path, mmap_mode="r", allow_pickle=False)
    if name.endswith((".fvecs", ".ivecs")):
        kind = np.float32 if name.endswith(".fvecs") else np.int32
        numbers = np.fromfile(path, np.int32)
        width = int(numbers[0])
        if width < 1 or len(numbers) % (width + 1):
            raise ValueError(f"{name} is no file of vectors of {width} numbers")
        return numbers.reshape(-1, width + 1)[:, 1:].view(kind)
    if name.endswith(".bvecs"):
        width = int(np.fromfile(path, np.int32, 1)[0])
        return np.fromfile(path, np.uint8).reshape(-1, width + 4)[:, 4:]
    raise ValueError(f"{name} is no .npy, .npy.gz, .fvecs or .bvecs file")


def dataset(name, folder, rows=0, metric=None, seed=1):
    """The data of this name; a path is a file of vectors, of which 1,000 rows become queries."""
    folder = pathlib.Path(folder)
    if name == "wordnet-384":
        with gzip.open(folder / "wordnet-metadata.jsonl.gz", "rt", encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
        columns = {
            "lexfile": np.array([record["lexfile"] for record in records]),
            "gloss_len": np.array([record["gloss_len"] for record in records]),
        }
        data = Data(
            name, read_vectors(folder / "wordnet-base-f16.npy.gz"),
            read_vectors(folder / "wordnet-queries-f16.npy.gz"), metric or "cosine", columns,
            read_vectors(folder / "wordnet-truth100-i32.npy.gz"),
        )
    elif name == "mnist-784":
        labels = read_vectors(folder / "mnist-labels-u8.npy.gz").astype(np.int64)
        data = Data(
            name, read_vectors(folder / "mnist-base-u8.npy.gz"),
            read_vectors(folder / "mnist-queries-u8.npy.gz"), metric or "l2", {"label": labels},
            read_vectors(folder / "mnist-truth100-i32.npy.gz"),
        )
    elif name == "generated":
        return generated(rows or 100_000, seed=seed, metric=metric or "l2")
    elif os.path.exists(name):
        vectors = read_vectors(name)
        if len(vectors) < 2_000:
            raise ValueError(f"{name} has {len(vectors)} rows; 2,000 are the least")
        held = np.zeros(len(vectors), bool)
        held[np.random.default_rng(seed).choice(len(vectors), 1_000, replace=False)] = True
        data = Data(pathlib.Path(name).stem, vectors[~held], vectors[held], metric or "l2")
    else:
        raise ValueError(f"there is no data {name}: wordnet-384, mnist-784, generated or a file")
    if metric and data.truth is not None and metric != {"wordnet-384": "cosine"}.get(name, "l2"):
        data.truth = None
    return data.limited(rows)
