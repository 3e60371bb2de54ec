"""Writes rows to sqlite-vec, every commit synced, and prints rows a second.

sqlite-vec.py DIRECTORY VECTORS DIMENSION ROWS_PER_COMMIT COMMITS

VECTORS is a file of 32-bit floats; its rows are taken again and again. The clock runs from the first
insert to the return of the last commit, as it does for the store that this is compared with.
"""

import os
import sqlite3
import sys
import time

import sqlite_vec

directory, path, dimension, rows, commits = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
with open(path, "rb") as file:
    numbers = file.read()
width = 4 * dimension
vectors = [numbers[start : start + width] for start in range(0, len(numbers), width)]

database = sqlite3.connect(os.path.join(directory, "vectors.db"), isolation_level=None)
database.enable_load_extension(True)
sqlite_vec.load(database)
database.execute("pragma journal_mode = wal")
database.execute("pragma synchronous = full")
assert database.execute("pragma journal_mode").fetchone()[0] == "wal"
assert database.execute("pragma synchronous").fetchone()[0] == 2
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
print(rows * commits / seconds)
