"""What a peer of the comparison must offer; each lies in Benchmarks/peers."""

import importlib.util
import os
import pathlib

PEERS = pathlib.Path(__file__).resolve().parent.parent / "peers"


class Missing(Exception):
    """What a peer needs is not on this machine."""


class Adapter:
    """One peer over one directory.

    Ids are the decimal texts of row numbers, so that a peer that knows only numbers can use them.
    Only the calls themselves are timed: `compiled` and `rows` are called off the clock.
    """

    name = ""
    metrics = ("l2", "cosine")
    """Cosine vectors come with length 1, base and queries alike."""
    capabilities = frozenset()
    """Of: filter, commit (writes in commits), delete (and insert again), disk, exact, index (its
    `efforts` are of an approximate search), threads (a build can use several)."""
    efforts = ()
    """From quick to thorough. They are fixed beforehand, and never chosen by looking at queries."""

    def __init__(self, directory, dimension, metric):
        self.directory = directory
        self.dimension = dimension
        self.metric = metric
        os.makedirs(directory, exist_ok=True)

    @staticmethod
    def version():
        """What is installed; raises when nothing is."""
        raise NotImplementedError

    def build(self, vectors, ids, metadata, threads):
        """Takes all rows and makes them searchable; metadata is a dict a row, or None."""
        raise NotImplementedError

    def start(self, metadata=None):
        """Makes an empty store for `insert`; metadata is one row of it, to tell the columns."""
        raise NotImplementedError

    def insert(self, vectors, ids, metadata=None):
        """One commit of new rows."""
        raise NotImplementedError

    def index(self, threads):
        """Makes what was inserted searchable by `efforts`; nothing where inserting did."""

    def delete(self, ids):
        raise NotImplementedError

    def compiled(self, filter, mask):
        """A filter in the peer's own form. `mask` tells which rows pass, for a peer without columns.

        A filter is {"in": [column, [values]]} or {"lt": [column, number]}.
        """
        raise NotImplementedError

    def search(self, queries, k, effort, filter=None, threads=1):
        """The answer in the peer's own form, ids included; effort "exact" looks at every row."""
        raise NotImplementedError

    def rows(self, answer):
        """The row numbers of an answer: a list for each query."""
        return answer

    def open(self):
        """Opens what an earlier process built and closed."""
        raise NotImplementedError

    def close(self):
        """Leaves everything on disk, where there is a disk."""


def condition(filter):
    """The operator, the column and the value of a filter."""
    ((operator, (column, value)),) = filter.items()
    return operator, column, value


def sql(filter):
    """A filter as a condition of SQL, as several peers take it."""
    operator, column, value = condition(filter)
    if operator == "lt":
        return f"{column} < {value}"
    values = ", ".join(f"'{text}'" if isinstance(text, str) else str(text) for text in value)
    return f"{column} in ({values})"


def column_types(metadata):
    """The columns of a row of metadata: name and whether it is text."""
    return [(name, isinstance(value, str)) for name, value in (metadata or {}).items()]


def load(path):
    """The adapters of a file, by name."""
    path = pathlib.Path(path)
    spec = importlib.util.spec_from_file_location("peer_" + path.stem.replace("-", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {adapter.name: adapter for adapter in module.ADAPTERS}


# Which file holds which peers, so that one that cannot be loaded is known by its name.
KNOWN = {
    "roost": "roost.py",
    "roost-ivf": "roost.py",
    "hnswlib": "hnswlib.py",
    "faiss-hnsw": "faiss.py",
    "faiss-hnsw-sq8": "faiss.py",
    "faiss-ivf": "faiss.py",
    "faiss-flat": "faiss.py",
    "usearch": "usearch.py",
    "sqlite-vec": "sqlite-vec.py",
    "svs": "svs.py",
    "zvec": "zvec.py",
    "qdrant-edge": "qdrant-edge.py",
    "lancedb": "lancedb.py",
    "chromadb": "chromadb.py",
    "pgvector": "pgvector.py",
}


def peer_file(name, folder=PEERS):
    return pathlib.Path(folder) / KNOWN.get(name, name + ".py")
