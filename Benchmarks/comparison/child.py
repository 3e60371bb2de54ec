"""One peer in a process of its own, which does what it is told over its pipes.

python -m comparison.child: pickled requests on standard input, answers on standard output. A request
is {"do": …}; an answer {"ok": …} or {"error": text, "missing": bool}.
"""

import json
import os
import pickle
import struct
import sys
import time
import traceback

import numpy as np

from . import machine
from .adapter import Adapter, Missing, load


def send(file, value):
    body = pickle.dumps(value, protocol=5)
    file.write(struct.pack("<Q", len(body)))
    file.write(body)
    file.flush()


def receive(file):
    """The next message; None at the end of the stream."""
    head = file.read(8)
    if len(head) < 8:
        return None
    (length,) = struct.unpack("<Q", head)
    body = file.read(length)
    if len(body) < length:
        return None
    return pickle.loads(body)


class Child:
    def __init__(self):
        self.peer = None

    def do_start(self, path, name, directory, metric, data):
        """Loads the peer and the data, which lies in files."""
        adapters = load(path)
        if name not in adapters:
            raise Missing(f"{path} holds no peer {name}")
        self.base = np.load(os.path.join(data, "base.npy"), mmap_mode="r")
        # Queries are few, and are wanted in memory when the clock runs.
        self.queries = np.array(np.load(os.path.join(data, "queries.npy")))
        with open(os.path.join(data, "metadata.json"), encoding="utf-8") as file:
            self.metadata = json.load(file)
        kind = adapters[name]
        version = kind.version()
        if metric not in kind.metrics:
            raise Missing(f"{name} does not know the metric {metric}")
        self.peer = kind(directory, self.base.shape[1], metric)
        assert isinstance(self.peer, Adapter)
        self.filters = {}
        return {
            "version": version, "capabilities": sorted(kind.capabilities),
            "efforts": list(kind.efforts),
        }

    def do_pin(self, cores):
        machine.pin(cores)

    def _given(self, rows):
        """The rows, with their ids and metadata, in memory before the clock runs."""
        rows = np.arange(*rows) if isinstance(rows, tuple) else np.asarray(rows)
        metadata = [self.metadata[row] for row in rows] if self.metadata else None
        return np.array(self.base[rows]), [str(row) for row in rows], metadata

    def do_build(self, rows, threads):
        vectors, ids, metadata = self._given(rows)
        start = time.perf_counter()
        self.peer.build(vectors, ids, metadata, threads)
        return time.perf_counter() - start

    def do_ingest(self, rows, per_commit, threads=None):
        """Seconds of the commits, and of the index after them when threads are given."""
        commits = [
            self._given((start, min(start + per_commit, rows[1])))
            for start in range(rows[0], rows[1], per_commit)
        ]
        self.peer.start(self.metadata[0] if self.metadata else None)
        start = time.perf_counter()
        for commit in commits:
            self.peer.insert(*commit)
        written = time.perf_counter()
        if threads is not None:
            self.peer.index(threads)
        return {"insert": written - start, "index": time.perf_counter() - written}

    def do_replace(self, old, new):
        """Takes rows out and puts others in."""
        vectors, ids, metadata = self._given(new)
        start = time.perf_counter()
        self.peer.delete([str(row) for row in old])
        self.peer.insert(vectors, ids, metadata)
        return time.perf_counter() - start

    def do_index(self, threads):
        start = time.perf_counter()
        self.peer.index(threads)
        return time.perf_counter() - start

    def do_filter(self, name, filter, mask):
        self.filters[name] = self.peer.compiled(filter, mask)

    def do_search(self, queries, k, effort, filter=None, batch=False, threads=1, seconds=None,
                  warm=True, least=0):
        """The rows found, and how many seconds each call took.

        `warm` asks one query off the clock first, which is when some peers take up a new effort. With `seconds`, stops early when these have passed; as many answers come back as were had. All is asked again until `least` seconds have passed; the answers are those of the first time.
        """
        wanted = self.queries[queries[0] : queries[1]]
        compiled = self.filters[filter] if filter is not None else None
        search = self.peer.search
        answers, times = [], []
        clock = time.perf_counter
        if warm:
            search(wanted[:1], k, effort, compiled, threads)
        size = len(wanted) if batch else 1
        begin = clock()
        while True:
            had = bool(answers)
            found = []
            for number in range(0, len(wanted), size):
                query = wanted[number : number + size]
                start = clock()
                answer = search(query, k, effort, compiled, threads)
                end = clock()
                found.append(answer)
                times.append(end - start)
                if seconds is not None and end - begin > seconds:
                    break
            if not had:
                answers = found
            if not found or end - begin >= least:
                break
        rows = [[int(row) for row in found] for answer in answers for found in self.peer.rows(answer)]
        return {"rows": rows, "times": times}

    def do_open(self):
        start = time.perf_counter()
        self.peer.open()
        return time.perf_counter() - start

    def do_memory(self):
        return {**machine.resident(), "family": machine.family_resident(os.getpid())}

    def do_close(self):
        start = time.perf_counter()
        self.peer.close()
        return time.perf_counter() - start


def main():
    # What a peer prints must not get among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    child = Child()
    while (request := receive(sys.stdin.buffer)) is not None:
        name = request.pop("do")
        try:
            answer = {"ok": getattr(child, "do_" + name)(**request)}
        except (Missing, ImportError) as error:
            answer = {"error": f"{error}", "missing": True}
        except NotImplementedError:
            answer = {"error": f"does not offer {name}", "missing": True}
        except BaseException as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"[:500], "missing": False}
        send(answers, answer)
    answers.close()


if __name__ == "__main__":
    main()
