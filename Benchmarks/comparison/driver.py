"""The other end of the pipes: peers as the chapters see them."""

import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import time

from .child import receive, send

BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent


class PeerFailure(Exception):
    """A peer refused, crashed or took too long; `missing` when it was never there."""

    def __init__(self, text, missing=False):
        super().__init__(text)
        self.missing = missing


class Peer:
    """A child process with one peer in it."""

    def __init__(self, name, path, directory, data, metric, log, limit=3_600, trace=None):
        """`trace` is the file for the counts of strace, which then runs the child."""
        self.name = name
        self.limit = limit
        command = [sys.executable, "-m", "comparison.child"]
        if trace:
            command = ["strace", "-c", "-f", "-o", str(trace), *command]
        environment = {
            **os.environ, "PYTHONPATH": python_path(), "PYTHONDONTWRITEBYTECODE": "1",
            # Libraries with threads of their own must not take more than they are told to.
            "OMP_WAIT_POLICY": "passive", "ANONYMIZED_TELEMETRY": "False",
        }
        self._log = open(log, "ab")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            env=environment, start_new_session=True,
        )
        try:
            told = self.ask(
                "start", path=str(path), name=name, directory=str(directory), metric=metric,
                data=str(data),
            )
        except BaseException:
            self.end()
            raise
        self.version = told["version"]
        self.capabilities = set(told["capabilities"])
        self.efforts = told["efforts"]

    @property
    def pid(self):
        """The process that does the work."""
        return self._process.pid

    def ask(self, do, **request):
        """Has something done, and returns what came of it."""
        try:
            send(self._process.stdin, {"do": do, **request})
        except OSError:
            raise self._gone(do) from None
        # The answer begins within the limit or the peer is given up.
        ready, _, _ = select.select([self._process.stdout], [], [], self.limit)
        if not ready:
            self._kill()
            raise PeerFailure(f"{do} took more than {self.limit} s")
        answer = receive(self._process.stdout)
        if answer is None:
            raise self._gone(do)
        if "error" in answer:
            raise PeerFailure(answer["error"], answer["missing"])
        return answer["ok"]

    def _gone(self, do):
        try:
            status = self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._kill()
            return PeerFailure(f"closed its pipes during {do}")
        if status < 0:
            return PeerFailure(f"died of {signal.Signals(-status).name} during {do}")
        return PeerFailure(f"ended with {status} during {do}")

    def _kill(self):
        # The child leads a group of its own, to which servers that it started belong.
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def close(self):
        """Has the peer leave everything on disk, and ends its process; tells the seconds."""
        try:
            return self.ask("close")
        finally:
            self.end()

    def end(self):
        try:
            self._process.stdin.close()
        except OSError:
            pass
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._kill()
            self._process.wait()
        # A server that the peer left behind goes with it.
        self._kill()
        self._process.stdout.close()
        self._log.close()


def python_path():
    """Where children find this package, and the module of Roost as the source tree has it."""
    parts = [str(BENCHMARKS), str(BENCHMARKS.parent / "Sources" / "CABI" / "Python")]
    return os.pathsep.join(parts + os.environ.get("PYTHONPATH", "").split(os.pathsep)).strip(":")


def emptied(directory):
    """A directory with nothing in it."""
    shutil.rmtree(directory, ignore_errors=True)
    pathlib.Path(directory).mkdir(parents=True)
    return pathlib.Path(directory)


def seconds(body):
    start = time.perf_counter()
    body()
    return time.perf_counter() - start
