"""Roost through its module for Python: texts as ids, in and out."""

import os

from comparison.adapter import Adapter, condition


class Roost(Adapter):
    name = "roost"
    capabilities = frozenset(
        {"index", "exact", "threads", "filter", "commit", "delete", "disk"}
    )
    efforts = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
    form = {"method": "hnsw", "m": 16, "ef_construction": 200}

    @staticmethod
    def version():
        import roost

        return roost.version()

    def _opened(self):
        import roost

        self.store = roost.open(os.path.join(self.directory, "rows.roost"))

    def start(self, metadata=None):
        self._opened()
        self.columns = list(metadata or ())
        self.rows_ = self.store.ensure_collection("rows", self.dimension, self.metric)

    def build(self, vectors, ids, metadata, threads):
        self.start(metadata[0] if metadata else None)
        for start in range(0, len(ids), 10_000):
            part = slice(start, start + 10_000)
            self.insert(vectors[part], ids[part], metadata and metadata[part])
        self.index(threads)

    def insert(self, vectors, ids, metadata=None):
        self.rows_.insert(ids, vectors, metadata)

    def index(self, threads):
        # The store takes as many threads as it may have, and the process is held to that many cores.
        self.rows_.ensure_index({"vector": self.form})
        if self.columns:
            self.rows_.ensure_index({"metadata": {"fields": self.columns}})

    def delete(self, ids):
        self.rows_.delete(ids)

    def compiled(self, filter, mask):
        operator, column, value = condition(filter)
        return {operator: [column, value]}

    def search(self, queries, k, effort, filter=None, threads=1):
        wanted = {"exact": True} if effort == "exact" else {"effort": effort}
        hits = self.rows_.search(queries, k, filter, threads=threads, **wanted)
        return hits.ids, hits.distances

    def rows(self, answer):
        return answer[0]

    def open(self):
        self._opened()
        self.rows_ = self.store.collection("rows")

    def close(self):
        self.store.close()


class RoostLists(Roost):
    name = "roost-ivf"
    efforts = (1, 2, 4, 8, 16, 32, 64, 128, 256)
    form = {"method": "ivfflat", "lists": "auto"}


ADAPTERS = [Roost, RoostLists]
