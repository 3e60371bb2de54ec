"""hnswlib: the graph that the ratios are taken of."""

import importlib.metadata
import os

import numpy as np

from comparison.adapter import Adapter


class Hnswlib(Adapter):
    name = "hnswlib"
    capabilities = frozenset({"index", "threads", "filter", "delete", "disk", "commit"})
    efforts = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)

    @staticmethod
    def version():
        import hnswlib  # noqa: F401

        return importlib.metadata.version("hnswlib")

    def _empty(self):
        import hnswlib

        return hnswlib.Index("cosine" if self.metric == "cosine" else "l2", self.dimension)

    @property
    def _path(self):
        return os.path.join(self.directory, "index.bin")

    def start(self, metadata=None):
        self.index_ = self._empty()
        self.index_.init_index(
            max_elements=1024, M=16, ef_construction=200, random_seed=1, allow_replace_deleted=True
        )

    def build(self, vectors, ids, metadata, threads):
        self.start()
        self.index_.resize_index(max(1024, len(ids)))
        self.index_.add_items(vectors, np.array(ids, np.int64), num_threads=threads)

    def insert(self, vectors, ids, metadata=None):
        # It knows no commits; this is what a process would lose.
        free = self.index_.get_max_elements() - self.index_.get_current_count()
        if free < len(ids) and not getattr(self, "deleted", 0):
            self.index_.resize_index(2 * self.index_.get_max_elements() + len(ids))
        replace = getattr(self, "deleted", 0) >= len(ids)
        self.index_.add_items(
            vectors, np.array(ids, np.int64), num_threads=1, replace_deleted=replace
        )
        if replace:
            self.deleted -= len(ids)

    def delete(self, ids):
        for number in ids:
            self.index_.mark_deleted(int(number))
        self.deleted = getattr(self, "deleted", 0) + len(ids)

    def compiled(self, filter, mask):
        passing = mask.tolist()
        return lambda label: passing[label]

    def search(self, queries, k, effort, filter=None, threads=1):
        self.index_.set_ef(max(effort, k))
        return self.index_.knn_query(queries, k=k, num_threads=threads, filter=filter)

    def rows(self, answer):
        return answer[0]

    def open(self):
        self.index_ = self._empty()
        self.index_.load_index(self._path, allow_replace_deleted=True)

    def close(self):
        self.index_.save_index(self._path)


ADAPTERS = [Hnswlib]
