"""zvec: HNSW on 8-bit codes, refined on the floats; the fastest of its modes."""

import importlib.metadata
import os

from comparison.adapter import Adapter, column_types, sql


class Zvec(Adapter):
    name = "zvec"
    capabilities = frozenset({"index", "threads", "filter", "delete", "disk", "commit"})
    efforts = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)

    @staticmethod
    def version():
        import zvec  # noqa: F401

        return importlib.metadata.version("zvec")

    @property
    def _path(self):
        return os.path.join(self.directory, "collection")

    @staticmethod
    def _prepared():
        import zvec

        try:
            zvec.init(log_type=zvec.LogType.CONSOLE, log_level=zvec.LogLevel.ERROR)
        except RuntimeError:
            pass  # A process prepares it once.

    def start(self, metadata=None):
        import zvec

        self._prepared()
        fields = [
            zvec.FieldSchema(
                name, zvec.DataType.STRING if text else zvec.DataType.INT64,
                index_param=zvec.InvertIndexParam(enable_range_optimization=not text),
            )
            for name, text in column_types(metadata)
        ]
        metric = zvec.MetricType.COSINE if self.metric == "cosine" else zvec.MetricType.L2
        vector = zvec.VectorSchema(
            "vector", zvec.DataType.VECTOR_FP32, self.dimension,
            index_param=zvec.HnswIndexParam(
                metric_type=metric, m=16, ef_construction=200,
                quantize_type=zvec.QuantizeType.INT8,
            ),
        )
        schema = zvec.CollectionSchema(name="rows", fields=fields, vectors=vector)
        self.rows_ = zvec.create_and_open(path=self._path, schema=schema)

    def build(self, vectors, ids, metadata, threads):
        self.start(metadata[0] if metadata else None)
        for start in range(0, len(ids), 500):
            part = slice(start, start + 500)
            self.insert(vectors[part], ids[part], metadata and metadata[part])
        self.index(threads)

    def insert(self, vectors, ids, metadata=None):
        import zvec

        documents = [
            zvec.Doc(id=id, vectors={"vector": vector.tolist()}, fields=fields)
            for id, vector, fields in zip(ids, vectors, metadata or [{}] * len(ids))
        ]
        for start in range(0, len(documents), 500):
            for status in self.rows_.insert(documents[start : start + 500]):
                if not status.ok():
                    raise RuntimeError(str(status))

    def index(self, threads):
        import zvec

        self.rows_.flush()
        self.rows_.optimize(zvec.OptimizeOption(concurrency=threads))

    def delete(self, ids):
        for start in range(0, len(ids), 500):
            self.rows_.delete(ids[start : start + 500])

    def compiled(self, filter, mask):
        return sql(filter)

    def search(self, queries, k, effort, filter=None, threads=1):
        import zvec

        parameters = zvec.HnswQueryParam(ef=max(effort, k), is_using_refiner=True)
        return [
            [
                document.id
                for document in self.rows_.query(
                    zvec.Query(field_name="vector", vector=query, param=parameters),
                    topk=k, filter=filter, output_fields=[],
                )
            ]
            for query in queries
        ]

    def open(self):
        import zvec

        self._prepared()
        self.rows_ = zvec.open(path=self._path)

    def close(self):
        self.rows_.flush()
        self.rows_.close()


ADAPTERS = [Zvec]
