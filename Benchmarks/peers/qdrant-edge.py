"""Qdrant Edge: a shard of Qdrant inside the process."""

import importlib.metadata
import os

from comparison.adapter import Adapter, column_types, condition


class QdrantEdge(Adapter):
    name = "qdrant-edge"
    capabilities = frozenset({"index", "exact", "filter", "delete", "disk", "commit", "threads"})
    efforts = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)

    @staticmethod
    def version():
        import qdrant_edge  # noqa: F401

        return importlib.metadata.version("qdrant-edge-py")

    @property
    def _path(self):
        return os.path.join(self.directory, "shard")

    def _created(self, threads):
        from qdrant_edge import (
            Distance, EdgeConfig, EdgeOptimizersConfig, EdgeShard, EdgeVectorParams,
            HnswIndexConfig,
        )

        distance = Distance.Cosine if self.metric == "cosine" else Distance.Euclid
        # Everything is indexed, in one segment.
        config = EdgeConfig(
            vectors=EdgeVectorParams(size=self.dimension, distance=distance),
            hnsw_config=HnswIndexConfig(
                m=16, ef_construct=200, full_scan_threshold=10, max_indexing_threads=threads
            ),
            optimizers=EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1),
        )
        os.makedirs(self._path, exist_ok=True)
        self.shard = EdgeShard.create(self._path, config)

    def start(self, metadata=None, threads=2):
        from qdrant_edge import PayloadSchemaType, UpdateOperation

        self._created(threads)
        for name, text in column_types(metadata):
            kind = PayloadSchemaType.Keyword if text else PayloadSchemaType.Integer
            self.shard.update(UpdateOperation.create_field_index(name, kind))

    def build(self, vectors, ids, metadata, threads):
        self.start(metadata[0] if metadata else None, threads)
        for start in range(0, len(ids), 500):
            part = slice(start, start + 500)
            self.insert(vectors[part], ids[part], metadata and metadata[part])
        self.index(threads)

    def insert(self, vectors, ids, metadata=None):
        from qdrant_edge import Point, UpdateOperation

        points = [
            Point(int(id), vector.tolist(), payload)
            for id, vector, payload in zip(ids, vectors, metadata or [None] * len(ids))
        ]
        self.shard.update(UpdateOperation.upsert_points(points))

    def index(self, threads):
        while self.shard.optimize():
            pass

    def delete(self, ids):
        from qdrant_edge import UpdateOperation

        self.shard.update(UpdateOperation.delete_points([int(id) for id in ids]))

    def compiled(self, filter, mask):
        from qdrant_edge import FieldCondition, Filter, MatchAny, RangeFloat

        operator, column, value = condition(filter)
        if operator == "lt":
            return Filter(must=[FieldCondition(column, range=RangeFloat(lt=float(value)))])
        return Filter(must=[FieldCondition(column, match=MatchAny(value))])

    def search(self, queries, k, effort, filter=None, threads=1):
        from qdrant_edge import Query, QueryBatchRequest, QueryRequest, SearchParams

        exact = effort == "exact"
        parameters = SearchParams(hnsw_ef=None if exact else max(effort, k), exact=exact)
        requests = [
            QueryRequest(
                limit=k, query=Query.Nearest(query.tolist()), filter=filter, params=parameters
            )
            for query in queries
        ]
        if len(requests) == 1:
            return [self.shard.query(requests[0])]
        return self.shard.query_batch(QueryBatchRequest(requests))

    def rows(self, answer):
        return [[point.id for point in points] for points in answer]

    def open(self):
        from qdrant_edge import EdgeShard

        self.shard = EdgeShard.load(self._path)

    def close(self):
        self.shard.flush()
        self.shard.close()


ADAPTERS = [QdrantEdge]
