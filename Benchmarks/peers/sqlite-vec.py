"""sqlite-vec, every commit synced: a peer of the comparison, and a measurement by itself.

sqlite-vec.py DIRECTORY VECTORS DIMENSION ROWS_PER_COMMIT COMMITS

By itself it writes rows and prints rows a second. VECTORS is a file of 32-bit floats; its rows are
taken again and again. The clock runs from the first insert to the return of the last commit, as it
does for the store that this is compared with.
"""

import os
import pathlib
import sqlite3
import sys
import time

import sqlite_vec

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parent.parent))
from comparison.adapter import Adapter, column_types, sql  # noqa: E402


def opened(path):
    """A database that syncs each commit."""
    database = sqlite3.connect(path, isolation_level=None)
    database.enable_load_extension(True)
    sqlite_vec.load(database)
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = full")
    assert database.execute("pragma journal_mode").fetchone()[0] == "wal"
    assert database.execute("pragma synchronous").fetchone()[0] == 2
    return database


class SqliteVec(Adapter):
    name = "sqlite-vec"
    capabilities = frozenset({"exact", "filter", "delete", "disk", "commit"})

    @staticmethod
    def version():
        return sqlite_vec.__version__

    @property
    def _path(self):
        return os.path.join(self.directory, "vectors.db")

    def start(self, metadata=None):
        self.database = opened(self._path)
        self.columns = [name for name, _ in column_types(metadata)]
        listed = "".join(
            f", {name} {'text' if text else 'integer'}" for name, text in column_types(metadata)
        )
        metric = "cosine" if self.metric == "cosine" else "l2"
        self.database.execute(
            f"create virtual table items using vec0(embedding float[{self.dimension}]"
            f" distance_metric={metric}{listed})"
        )

    def build(self, vectors, ids, metadata, threads):
        self.start(metadata[0] if metadata else None)
        self.insert(vectors, ids, metadata)

    def insert(self, vectors, ids, metadata=None):
        names = ", ".join(["rowid", "embedding", *self.columns])
        places = ", ".join("?" * (2 + len(self.columns)))
        rows = [
            (int(id), vector.tobytes(), *(row[name] for name in self.columns))
            for id, vector, row in zip(ids, vectors, metadata or [{}] * len(ids))
        ]
        self.database.execute("begin immediate")
        self.database.executemany(f"insert into items({names}) values ({places})", rows)
        self.database.execute("commit")

    def delete(self, ids):
        self.database.execute("begin immediate")
        self.database.executemany("delete from items where rowid = ?", [(int(id),) for id in ids])
        self.database.execute("commit")

    def compiled(self, filter, mask):
        return sql(filter)

    def search(self, queries, k, effort, filter=None, threads=1):
        condition = f" and {filter}" if filter is not None else ""
        text = (
            "select rowid, distance from items where embedding match ? and k = ?"
            f"{condition} order by distance"
        )
        return [self.database.execute(text, (query.tobytes(), k)).fetchall() for query in queries]

    def rows(self, answer):
        return [[row[0] for row in rows] for rows in answer]

    def open(self):
        self.database = opened(self._path)

    def close(self):
        self.database.close()


ADAPTERS = [SqliteVec]


def measured(directory, path, dimension, rows, commits):
    with open(path, "rb") as file:
        numbers = file.read()
    width = 4 * dimension
    vectors = [numbers[start : start + width] for start in range(0, len(numbers), width)]

    database = opened(os.path.join(directory, "vectors.db"))
    database.execute(f"create virtual table items using vec0(embedding float[{dimension}])")

    batches = [
        [
            (number + 1, vectors[number % len(vectors)])
            for number in range(commit * rows, (commit + 1) * rows)
        ]
        for commit in range(commits)
    ]
    start = time.perf_counter()
    for batch in batches:
        database.execute("begin immediate")
        database.executemany("insert into items(rowid, embedding) values (?, ?)", batch)
        database.execute("commit")
    seconds = time.perf_counter() - start
    count = database.execute("select count(*) from items").fetchone()[0]
    assert count == rows * commits, count
    return rows * commits / seconds


if __name__ == "__main__":
    print(measured(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])))
