"""LanceDB on local files, with its lists of product codes refined on the floats."""

import importlib.metadata

from comparison.adapter import Adapter, sql


class LanceDB(Adapter):
    name = "lancedb"
    capabilities = frozenset({"index", "exact", "filter", "delete", "disk", "commit"})
    # Lists looked at; each answer is refined from eight times k.
    efforts = (1, 2, 4, 8, 16, 32, 64, 128)

    @staticmethod
    def version():
        import lancedb  # noqa: F401

        return importlib.metadata.version("lancedb")

    @staticmethod
    def _batch(vectors, ids, metadata):
        import pyarrow as pa

        flat = pa.array(vectors.reshape(-1), pa.float32())
        columns = {
            "id": pa.array(ids, pa.string()),
            "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
        }
        for name in metadata[0] if metadata else ():
            columns[name] = pa.array([row[name] for row in metadata])
        return pa.table(columns)

    def start(self, metadata=None):
        import lancedb

        self.database = lancedb.connect(self.directory)
        self.table = None

    def build(self, vectors, ids, metadata, threads):
        self.start()
        self.insert(vectors, ids, metadata)
        self.index(threads)
        for name in metadata[0] if metadata else ():
            self.table.create_scalar_index(name)

    def insert(self, vectors, ids, metadata=None):
        batch = self._batch(vectors, ids, metadata)
        if self.table is None:
            self.table = self.database.create_table("rows", batch)
        else:
            self.table.add(batch)

    def index(self, threads):
        rows = self.table.count_rows()
        self.table.create_index(
            metric="cosine" if self.metric == "cosine" else "l2", vector_column_name="vector",
            index_type="IVF_PQ", num_partitions=int(max(1, min(1024, 2 * rows**0.5))),
            num_sub_vectors=self.dimension // 4 if self.dimension % 4 == 0 else 1, replace=True,
        )

    def delete(self, ids):
        names = ", ".join(f"'{id}'" for id in ids)
        self.table.delete(f"id in ({names})")

    def compiled(self, filter, mask):
        return sql(filter)

    def search(self, queries, k, effort, filter=None, threads=1):
        answers = []
        for query in queries:
            search = self.table.search(query).limit(k).select(["id", "_distance"])
            search = search.distance_type("cosine" if self.metric == "cosine" else "l2")
            if effort == "exact":
                search = search.bypass_vector_index()
            else:
                search = search.nprobes(effort).refine_factor(8)
            if filter is not None:
                search = search.where(filter, prefilter=True)
            answers.append(search.to_arrow()["id"])
        return answers

    def rows(self, answer):
        return [column.to_pylist() for column in answer]

    def open(self):
        import lancedb

        self.database = lancedb.connect(self.directory)
        self.table = self.database.open_table("rows")

    def close(self):
        """Nothing is held back: every call wrote what it had."""


ADAPTERS = [LanceDB]
