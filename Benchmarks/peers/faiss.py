"""faiss: HNSW on 32-bit floats and on 8-bit codes, inverted lists, and the plain scan."""

import importlib.metadata
import os

import numpy as np

from comparison.adapter import Adapter


class Faiss(Adapter):
    capabilities = frozenset({"index", "threads", "filter", "disk"})

    @staticmethod
    def version():
        import faiss  # noqa: F401

        return importlib.metadata.version("faiss-cpu")

    def _empty(self, rows):
        raise NotImplementedError

    @property
    def _path(self):
        return os.path.join(self.directory, "index.faiss")

    # Vectors of a cosine have length 1, and squared distances order them alike.
    def build(self, vectors, ids, metadata, threads):
        import faiss

        faiss.omp_set_num_threads(threads)
        self.index_ = self._empty(len(ids))
        self.index_.train(vectors)
        self.index_.add(vectors)
        self.ids = np.array(ids, np.int64)
        self._plain()

    def _plain(self):
        # Ids that count the rows need no table.
        if np.array_equal(self.ids, np.arange(len(self.ids))):
            self.ids = None

    def compiled(self, filter, mask):
        import faiss

        if self.ids is not None:
            mask = mask[self.ids]
        self.bits = np.packbits(mask, bitorder="little")
        return faiss.IDSelectorBitmap(self.bits)

    def _parameters(self, effort, filter):
        raise NotImplementedError

    def search(self, queries, k, effort, filter=None, threads=1):
        import faiss

        if getattr(self, "threads", 0) != threads:
            faiss.omp_set_num_threads(threads)
            self.threads = threads
        _, found = self.index_.search(queries, k, params=self._parameters(effort, filter))
        return found if self.ids is None else np.where(found < 0, -1, self.ids[found])

    def open(self):
        import faiss

        self.index_ = faiss.read_index(self._path)
        names = self._path + ".ids.npy"
        self.ids = np.load(names) if os.path.exists(names) else None

    def close(self):
        import faiss

        faiss.write_index(self.index_, self._path)
        if self.ids is not None:
            np.save(self._path + ".ids.npy", self.ids)


class Graph(Faiss):
    name = "faiss-hnsw"
    efforts = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)

    def _empty(self, rows):
        import faiss

        index = faiss.IndexHNSWFlat(self.dimension, 16)
        index.hnsw.efConstruction = 200
        return index

    def _parameters(self, effort, filter):
        import faiss

        return faiss.SearchParametersHNSW(efSearch=effort, sel=filter)


class CodedGraph(Graph):
    name = "faiss-hnsw-sq8"

    def _empty(self, rows):
        import faiss

        index = faiss.IndexHNSWSQ(self.dimension, faiss.ScalarQuantizer.QT_8bit, 16)
        index.hnsw.efConstruction = 200
        return index


class Lists(Faiss):
    name = "faiss-ivf"
    efforts = (1, 2, 4, 8, 16, 32, 64, 128, 256)

    def _empty(self, rows):
        import faiss

        # A thousand lists for data of 100,000 rows, and as many as the square root asks elsewhere.
        lists = int(min(1024, max(1, 3 * rows**0.5)))
        self.quantizer = faiss.IndexFlatL2(self.dimension)
        index = faiss.IndexIVFFlat(self.quantizer, self.dimension, lists)
        index.cp.seed = 1
        return index

    def _parameters(self, effort, filter):
        import faiss

        return faiss.SearchParametersIVF(nprobe=effort, sel=filter)


class Scan(Faiss):
    name = "faiss-flat"
    capabilities = frozenset({"exact", "threads", "filter", "disk"})

    def _empty(self, rows):
        import faiss

        return faiss.IndexFlatL2(self.dimension)

    def _parameters(self, effort, filter):
        import faiss

        return faiss.SearchParameters(sel=filter) if filter is not None else None


ADAPTERS = [Graph, CodedGraph, Lists, Scan]
