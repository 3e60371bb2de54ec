"""USearch on 32-bit floats."""

import importlib.metadata
import os

import numpy as np

from comparison.adapter import Adapter


class USearch(Adapter):
    name = "usearch"
    capabilities = frozenset({"index", "threads", "delete", "disk", "commit"})
    efforts = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)

    @staticmethod
    def version():
        import usearch.index  # noqa: F401

        return importlib.metadata.version("usearch")

    @property
    def _path(self):
        return os.path.join(self.directory, "index.usearch")

    def start(self, metadata=None):
        from usearch.index import Index

        self.index_ = Index(
            ndim=self.dimension, metric="cos" if self.metric == "cosine" else "l2sq", dtype="f32",
            connectivity=16, expansion_add=200,
        )

    def build(self, vectors, ids, metadata, threads):
        self.start()
        self.index_.add(np.array(ids, np.uint64), vectors, threads=threads)

    def insert(self, vectors, ids, metadata=None):
        self.index_.add(np.array(ids, np.uint64), vectors, threads=1)

    def delete(self, ids):
        self.index_.remove(np.array(ids, np.uint64))

    def search(self, queries, k, effort, filter=None, threads=1):
        self.index_.expansion_search = effort
        if len(queries) == 1:
            return [self.index_.search(queries[0], k, threads=1).keys]
        found = self.index_.search(queries, k, threads=threads)
        return [keys[:count] for keys, count in zip(found.keys, found.counts)]

    def open(self):
        from usearch.index import Index

        self.index_ = Index.restore(self._path)

    def close(self):
        self.index_.save(self._path)


ADAPTERS = [USearch]
