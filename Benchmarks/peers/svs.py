"""Scalable Vector Search: Vamana on 32-bit floats."""

import importlib.metadata
import os

import numpy as np

from comparison.adapter import Adapter


class Svs(Adapter):
    name = "svs"
    capabilities = frozenset({"index", "threads", "disk"})
    efforts = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)

    @staticmethod
    def version():
        import svs  # noqa: F401

        return importlib.metadata.version("scalable-vs")

    def build(self, vectors, ids, metadata, threads):
        import svs

        parameters = svs.VamanaBuildParameters(alpha=1.2, graph_max_degree=32, window_size=200)
        self.index_ = svs.Vamana.build(
            parameters, vectors, svs.DistanceType.L2, num_threads=threads
        )
        self.ids = np.array(ids, np.int64)

    def search(self, queries, k, effort, filter=None, threads=1):
        if self.index_.num_threads != threads:
            self.index_.num_threads = threads
        if self.index_.search_window_size != max(effort, k):
            self.index_.search_window_size = max(effort, k)
        return self.ids[self.index_.search(queries, k)[0]]

    def _parts(self):
        return [os.path.join(self.directory, part) for part in ("config", "graph", "data")]

    def open(self):
        import svs

        config, graph, data = self._parts()
        self.index_ = svs.Vamana(
            config, svs.GraphLoader(graph), svs.VectorDataLoader(data, svs.DataType.float32),
            svs.DistanceType.L2, num_threads=1,
        )
        self.ids = np.load(os.path.join(self.directory, "ids.npy"))

    def close(self):
        self.index_.save(*self._parts())
        np.save(os.path.join(self.directory, "ids.npy"), self.ids)


ADAPTERS = [Svs]
