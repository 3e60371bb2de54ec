"""Chroma on local files."""

import importlib.metadata

from comparison.adapter import Adapter, condition


class Chroma(Adapter):
    name = "chromadb"
    capabilities = frozenset({"index", "filter", "delete", "disk", "commit", "threads"})
    efforts = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
    middle = 96

    @staticmethod
    def version():
        import chromadb  # noqa: F401

        return importlib.metadata.version("chromadb")

    def _client(self):
        import chromadb
        from chromadb.config import Settings

        return chromadb.PersistentClient(
            self.directory, settings=Settings(anonymized_telemetry=False)
        )

    def start(self, metadata=None, threads=1):
        self.client = self._client()
        self.rows_ = self.client.create_collection(
            "rows", embedding_function=None,
            configuration={
                "hnsw": {
                    "space": "cosine" if self.metric == "cosine" else "l2", "max_neighbors": 16,
                    "ef_construction": 200, "num_threads": threads,
                    "ef_search": self.middle,
                }
            },
        )
        self.effort = self.middle

    def build(self, vectors, ids, metadata, threads):
        self.start(threads=threads)
        self.insert(vectors, ids, metadata)

    def insert(self, vectors, ids, metadata=None):
        for start in range(0, len(ids), 5_000):
            part = slice(start, start + 5_000)
            self.rows_.add(
                ids=ids[part], embeddings=vectors[part], metadatas=metadata and metadata[part]
            )

    def delete(self, ids):
        for start in range(0, len(ids), 500):
            self.rows_.delete(ids=ids[start : start + 500])

    def compiled(self, filter, mask):
        operator, column, value = condition(filter)
        return {column: {"$" + operator: value}}

    def _take_up(self, effort):
        """A beam is read when a client first looks at the collection, so there must be a new one."""
        from chromadb.api.shared_system_client import SharedSystemClient

        self.rows_.modify(configuration={"hnsw": {"ef_search": effort}})
        self.rows_ = self.client = None
        SharedSystemClient.clear_system_cache()
        self.open()

    def search(self, queries, k, effort, filter=None, threads=1):
        if max(effort, k) != self.effort:
            self._take_up(max(effort, k))
        return self.rows_.query(
            query_embeddings=queries, n_results=k, where=filter, include=["distances"]
        )

    def rows(self, answer):
        return answer["ids"]

    def open(self):
        self.client = self._client()
        self.rows_ = self.client.get_collection("rows", embedding_function=None)
        self.effort = self.rows_.configuration["hnsw"]["ef_search"]

    def close(self):
        """Nothing is held back that a call could release."""


ADAPTERS = [Chroma]
