"""The machine: what it is, how busy it is, and what a process takes of it."""

import os
import platform
import re
import subprocess
import time


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def load():
    return [float(word) for word in read("/proc/loadavg").split()[:3]]


def fingerprint(root):
    """Which machine and which source this is."""
    processor = read("/proc/cpuinfo").split("\n\n")[0]
    fields = dict(re.findall(r"^(.*?)\s*: (.*)$", processor, re.M))
    memory = re.search(r"MemTotal:\s*(\d+)", read("/proc/meminfo"))
    flags = sorted(
        flag for flag in fields.get("flags", "").split()
        if flag.startswith(("avx", "amx", "fma", "f16c", "sse4"))
    )
    return {
        "processor": fields.get("model name", platform.processor()),
        "cache": fields.get("cache size", ""),
        "flags": flags,
        "cores": os.cpu_count(),
        "memory_bytes": int(memory.group(1)) * 1024 if memory else None,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "commit": git(root, "rev-parse", "HEAD"),
        "changed": bool(git(root, "status", "--porcelain")),
    }


def git(root, *arguments):
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return answer.stdout.strip()


def resident():
    """Bytes of this process in memory: all, and those that are its own and not of a file."""
    found = {}
    for line in read("/proc/self/smaps_rollup").splitlines():
        match = re.match(r"(Rss|Pss|Anonymous):\s*(\d+) kB", line)
        if match:
            found[match.group(1).lower()] = int(match.group(2)) * 1024
    return found


def family_resident(process):
    """The proportional share of a process and of all that it started, for a peer with servers."""
    total, waiting = 0, [process]
    while waiting:
        number = waiting.pop()
        match = re.search(r"^Pss:\s*(\d+) kB", read(f"/proc/{number}/smaps_rollup"), re.M)
        total += int(match.group(1)) * 1024 if match else 0
        for task in _entries(f"/proc/{number}/task"):
            children = read(f"/proc/{number}/task/{task}/children")
            waiting.extend(int(child) for child in children.split())
    return total


def _entries(path):
    try:
        return os.listdir(path)
    except OSError:
        return []


def pin(cores):
    """Holds every thread of this process to these cores."""
    for thread in _entries("/proc/self/task"):
        try:
            os.sched_setaffinity(int(thread), cores)
        except OSError:
            pass


def files(directory):
    for folder, _, names in os.walk(directory):
        for name in names:
            yield os.path.join(folder, name)


def disk(directory):
    """Bytes that the files of a directory take, holes left out."""
    total, seen = 0, set()
    for path in files(directory):
        try:
            status = os.lstat(path)
        except OSError:
            continue
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            total += status.st_blocks * 512
    return total


def forget(directory):
    """Asks the system to drop the pages of these files from its cache."""
    for path in files(directory):
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        try:
            try:
                os.fsync(descriptor)
            except OSError:
                pass
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def bandwidth(megabytes=512, rounds=5):
    """Bytes a second that one core reads from memory in order: the best of several loops."""
    import numpy as np

    numbers = np.ones(megabytes * 262_144, np.float32)
    words = numbers.view(np.uint64)
    loops = {
        "sum": lambda: numbers.sum(),
        "maximum": lambda: numbers.max(),
        "product": lambda: np.dot(numbers, numbers),
        "or": lambda: np.bitwise_or.reduce(words),
    }
    found = {}
    for name, loop in loops.items():
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            loop()
            times.append(time.perf_counter() - start)
        found[name] = numbers.nbytes / min(times)
    return found


SYNC_CALLS = ("fsync", "fdatasync", "sync_file_range", "syncfs", "msync")


def sync_calls(summary):
    """How often each call that syncs was made, from what `strace -c` wrote."""
    counts = {}
    for line in summary.splitlines():
        words = line.split()
        if len(words) >= 5 and words[-1] in SYNC_CALLS:
            # Percent, seconds, microseconds a call, calls, errors if any, name.
            counts[words[-1]] = int(words[3])
    return counts


def can_trace():
    """Whether strace is here and allowed."""
    try:
        subprocess.run(
            ["strace", "-c", "-f", "-o", os.devnull, "true"], capture_output=True, check=True,
            timeout=20,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def bare_appends(directory, size, count):
    """Appends with fdatasync after each, a second."""
    path = os.path.join(directory, "bare-appends")
    block = b"\x5a" * size
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        os.write(descriptor, block)
        os.fsync(descriptor)
        start = time.perf_counter()
        for _ in range(count):
            os.write(descriptor, block)
            os.fdatasync(descriptor)
        return count / (time.perf_counter() - start)
    finally:
        os.close(descriptor)
        os.unlink(path)
