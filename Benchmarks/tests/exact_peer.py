"""A peer that looks at every row, and others that fail; only the tests know them."""

import os

import numpy as np

from comparison.adapter import Adapter, Missing, condition


class Exact(Adapter):
    name = "exact"
    capabilities = frozenset({"index", "exact", "filter", "delete", "disk", "commit", "threads"})
    efforts = (1, 2)

    @staticmethod
    def version():
        return "1"

    def start(self, metadata=None):
        self.vectors = np.zeros((0, self.dimension), np.float32)
        self.ids = np.zeros(0, np.int64)

    def build(self, vectors, ids, metadata, threads):
        self.start()
        print("a peer may print what it likes")
        self.insert(vectors, ids, metadata)

    def insert(self, vectors, ids, metadata=None):
        self.vectors = np.concatenate([self.vectors, vectors])
        self.ids = np.concatenate([self.ids, np.array(ids, np.int64)])

    def delete(self, ids):
        kept = ~np.isin(self.ids, np.array(ids, np.int64))
        self.vectors, self.ids = self.vectors[kept], self.ids[kept]

    def compiled(self, filter, mask):
        condition(filter)
        return mask

    def search(self, queries, k, effort, filter=None, threads=1):
        kept = np.ones(len(self.ids), bool) if filter is None else filter[self.ids]
        ids, vectors = self.ids[kept], self.vectors[kept]
        distances = ((queries[:, None, :] - vectors[None]) ** 2).sum(axis=2)
        # The small effort finds less, so that there is a curve.
        order = np.argsort(distances, axis=1)[:, : k if effort != 1 else k - 2]
        return ids[order]

    @property
    def _path(self):
        return os.path.join(self.directory, "rows.npz")

    def open(self):
        with np.load(self._path) as rows:
            self.vectors, self.ids = rows["vectors"], rows["ids"]
        # So much that what Python takes besides cannot hide it.
        self.ballast = np.ones(32_000_000, np.uint8)

    def close(self):
        np.savez(self._path, vectors=self.vectors, ids=self.ids)


class Crashing(Exact):
    name = "crashing"

    def search(self, queries, k, effort, filter=None, threads=1):
        os.kill(os.getpid(), 11)


class Refusing(Exact):
    name = "refusing"

    def build(self, vectors, ids, metadata, threads):
        raise ValueError("does not like these rows")


class Absent(Exact):
    name = "absent"

    @staticmethod
    def version():
        raise Missing("is not installed")


ADAPTERS = [Exact, Crashing, Refusing, Absent]
