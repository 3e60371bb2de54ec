"""What is measured. Every figure is a row in the results: peer, round and what was found."""

import math

import numpy as np

from . import driver, machine, vectors
from .report import at_recall, median
from .run import K

ENOUGH = 0.999
"""A peer that finds this much need not try harder."""

LEAST = 0.3
"""So many seconds are measured at least: what sleeps while others have their turn is slow at first."""


def curves(run):
    """Recall against queries a second: one at a time, in batches of 1,000, and on two threads."""
    count = len(run.data.queries)
    with run.together(run.able("index"), "curves") as peers:
        done = {}
        for round in range(run.rounds):
            for step in range(max((len(run.efforts[name]) for name in peers), default=0)):

                def measure(name, peer):
                    if step >= len(run.efforts[name]) or step > done.get(name, step):
                        return
                    effort = run.efforts[name][step]
                    row = point(run, peer, effort, count)
                    run.note("curves", peer=name, round=round, **row)
                    if row["recall"] >= ENOUGH:
                        done[name] = min(step, done.get(name, step))

                run.in_turns(peers, "curves", measure)


def point(run, peer, effort, count):
    """One effort of one peer, as a row."""
    one = peer.ask(
        "search", queries=(0, count), k=K, effort=effort, seconds=run.limits["seconds"],
        least=LEAST,
    )
    times = np.array(one["times"])
    row = {
        "effort": effort, "recall": run.recall(one["rows"]), "queries": len(times),
        "qps": len(times) / times.sum(), "p50_ms": 1e3 * float(np.percentile(times, 50)),
        "p99_ms": 1e3 * float(np.percentile(times, 99)),
    }
    # A batch goes as a whole, so one that would take too long is smaller.
    size = int(min(count, 1_000, max(10, row["qps"] * run.limits["seconds"])))
    batch = peer.ask(
        "search", queries=(0, size), k=K, effort=effort, batch=True, least=LEAST
    )
    row["batch_qps"] = size * len(batch["times"]) / sum(batch["times"])
    row["batch_recall"] = run.recall(batch["rows"])
    if "threads" in peer.capabilities and len(run.cores) > 1:
        threads = run.held(peer, 2)
        both = peer.ask(
            "search", queries=(0, size), k=K, effort=effort, batch=True, threads=threads,
            least=LEAST,
        )
        row["batch_two_qps"] = size * len(both["times"]) / sum(both["times"])
        run.held(peer, 1)
    return row


def build(run):
    """All rows into a searchable index, on one thread and on two, and its bytes on disk."""
    rows = len(run.data.base)
    for round in range(run.rounds):
        for threads in [1, 2][: len(run.cores)]:
            for name in run.able("index"):
                if threads > 1 and "threads" not in run.abilities[name]:
                    continue
                with run.attempt(name, "build"):
                    directory = driver.emptied(run.work / "build")
                    peer = run.peer(name, directory)
                    try:
                        run.held(peer, threads)
                        taken = peer.ask("build", rows=(0, rows), threads=threads)
                        closing = peer.close()
                    finally:
                        peer.end()
                    run.note(
                        "build", peer=name, round=round, threads=threads, seconds=taken,
                        rows_per_second=rows / taken, closing=closing,
                        disk=machine.disk(directory),
                    )


def ingest(run):
    """Commits of 500 rows and of one, with the calls that sync; until searchable, on two threads."""
    many = min(len(run.data.base), run.limits["ingest_rows"])
    singles = min(len(run.data.base), run.limits["commits"])
    size = 4 * run.data.base.shape[1] + 200
    traced = machine.can_trace()
    if not traced:
        run.failed("strace", "ingest", "no strace is allowed here, sync calls are not counted", True)
    for round in range(run.rounds):
        for per_commit, rows in ((500, many), (1, singles)):
            for name in run.able("commit"):
                if per_commit == 1:
                    # Just before each peer: a disk is twice as fast in one minute as in the next.
                    rate = machine.bare_appends(driver.emptied(run.work / "ingest"), size, rows)
                    run.note("ingest", peer="append + fdatasync", before=name, round=round,
                             per_commit=1, rows_per_second=rate, commits_per_second=rate)
                with run.attempt(name, "ingest"):
                    peer = run.peer(name, driver.emptied(run.work / "ingest"))
                    try:
                        run.held(peer, 2)
                        indexed = 2 if per_commit > 1 and "index" in peer.capabilities else None
                        told = peer.ask(
                            "ingest", rows=(0, rows), per_commit=per_commit, threads=indexed
                        )
                        peer.close()
                    finally:
                        peer.end()
                    row = {
                        "rows_per_second": rows / told["insert"],
                        "commits_per_second": math.ceil(rows / per_commit) / told["insert"],
                    }
                    if indexed:
                        row["searchable_per_second"] = rows / (told["insert"] + told["index"])
                    run.note("ingest", peer=name, round=round, per_commit=per_commit, **row)
    if traced:
        for name in run.able("commit"):
            with run.attempt(name, "ingest"):
                sync_calls(run, name)


def sync_calls(run, name):
    """Sync calls a commit: how many more there are when there are 40 commits instead of 20."""
    counts = []
    for commits in (20, 40):
        trace = run.work / "trace"
        peer = run.peer(name, driver.emptied(run.work / "ingest"), trace=trace)
        try:
            peer.ask("ingest", rows=(0, commits), per_commit=1)
            peer.close()
        finally:
            peer.end()
        counts.append(sum(machine.sync_calls(trace.read_text(errors="replace")).values()))
    run.note("sync", peer=name, per_commit=(counts[1] - counts[0]) / 20, counted=counts)


def opening(run):
    """Opening what was closed, the first answer, and the bytes on disk."""
    for round in range(run.rounds):
        for name in run.able("disk"):
            with run.attempt(name, "open"):
                directory = run.stored(name)
                peer = run.peer(name, directory)
                try:
                    run.held(peer, 1)
                    taken = peer.ask("open")
                    first = peer.ask(
                        "search", queries=(0, 1), k=K, effort=some_effort(run, name), warm=False,
                    )
                    peer.close()
                finally:
                    peer.end()
                run.note(
                    "open", peer=name, round=round, open_ms=1e3 * taken,
                    first_ms=1e3 * first["times"][0], disk=machine.disk(directory),
                )


def some_effort(run, name):
    """An effort in the middle; "exact" where there is no other."""
    efforts = run.efforts[name]
    return efforts[len(efforts) // 2] if efforts else "exact"


def effort_of(run, name, peer, goal=0.95, data=None):
    """The least effort that reaches a recall; the most there is when none does."""
    if not run.efforts[name]:
        return "exact"
    known = {}
    if data is None:
        for row in run.found.get("curves", []):
            if row["peer"] == name:
                known[row["effort"]] = row["recall"]
    count = min(300, len((data or run.data).queries))
    for effort in run.efforts[name]:
        if effort not in known:
            told = peer.ask(
                "search", queries=(0, count), k=K, effort=effort, seconds=run.limits["seconds"]
            )
            known[effort] = run.recall(told["rows"], data)
        if known[effort] >= goal:
            return effort
    return run.efforts[name][-1]


def memory(run):
    """Resident memory that opening and 1,000 queries at recall 0.95 add, each in a process of its own."""
    for round in range(run.rounds):
        for name in run.able("disk"):
            with run.attempt(name, "memory"):
                directory = run.stored(name)
                peer = run.peer(name, directory)
                try:
                    run.held(peer, 1)
                    before = peer.ask("memory")
                    peer.ask("open")
                    opened = peer.ask("memory")
                    effort = effort_of(run, name, peer)
                    peer.ask(
                        "search", queries=(0, len(run.data.queries)), k=K, effort=effort,
                        seconds=4 * run.limits["seconds"],
                    )
                    after = peer.ask("memory")
                    peer.close()
                finally:
                    peer.end()
                run.note(
                    "memory", peer=name, round=round, effort=effort,
                    opened=opened["rss"] - before["rss"], resident=after["rss"] - before["rss"],
                    own=after["anonymous"] - before["anonymous"],
                    family=after["family"] - before["family"],
                )


def cold(run):
    """Opening and the first queries when the system was asked to forget the files."""
    for round in range(run.rounds):
        for name in run.able("disk"):
            with run.attempt(name, "cold"):
                directory = run.stored(name)
                peer = run.peer(name, directory)
                try:
                    run.held(peer, 1)
                    machine.forget(directory)
                    taken = peer.ask("open")
                    effort = some_effort(run, name)
                    told = peer.ask(
                        "search", queries=(0, min(100, len(run.data.queries))), k=K, effort=effort,
                        seconds=4 * run.limits["seconds"], warm=False,
                    )
                    peer.close()
                finally:
                    peer.end()
                times = 1e3 * np.array(told["times"])
                run.note(
                    "cold", peer=name, round=round, open_ms=1e3 * taken, first_ms=float(times[0]),
                    p50_ms=float(np.percentile(times, 50)), p99_ms=float(np.percentile(times, 99)),
                )


def filters(run):
    """Filters that let 1 %, 10 % and 50 % pass, correlated with the vectors and nearly independent."""
    grid = vectors.filters(run.data)
    count = min(200, len(run.data.queries))
    with run.together(run.able("filter"), "filters") as peers:
        for title, filter, mask in grid:
            wanted = min(K, int(mask.sum()))

            def compiled(name, peer):
                peer.ask("filter", name=title, filter=filter, mask=mask)

            run.in_turns(peers, "filters", compiled)
            for round in range(run.rounds):
                enough = set()
                longest = max((len(run.efforts[name]) for name in peers), default=0)
                for step in range(max(1, longest)):

                    def measure(name, peer):
                        efforts = run.efforts[name] or ["exact"]
                        if name in enough or step >= len(efforts):
                            return
                        told = peer.ask(
                            "search", queries=(0, count), k=K, effort=efforts[step],
                            filter=title, seconds=run.limits["seconds"], least=LEAST,
                        )
                        found = run.recall(told["rows"], mask=mask, key=title)
                        short = sum(len([r for r in rows if r >= 0]) < wanted
                                    for rows in told["rows"])
                        wrong = sum(not mask[r] for rows in told["rows"] for r in rows if r >= 0)
                        run.note(
                            "filters", peer=name, round=round, filter=title,
                            share=float(mask.mean()), effort=efforts[step], recall=found,
                            qps=len(told["times"]) / sum(told["times"]), short=short, wrong=wrong,
                        )
                        if found >= ENOUGH:
                            enough.add(name)

                    run.in_turns(peers, "filters", measure)


def churn(run):
    """Ten turnovers: half of the rows replaced by the other half, in twenty parts each time."""
    half = min(len(run.data.base), run.limits["churn_rows"]) // 2
    limited = run.data.limited(2 * half)
    # An even number of turnovers ends with the first half, of which a fresh build is the measure.
    turnovers = run.limits["turnovers"] // 2 * 2
    subject = vectors.Data(
        limited.name, limited.base[:half], limited.queries, limited.metric,
        {name: values[:half] for name, values in limited.columns.items()},
    )
    for name in run.able("index", "delete"):
        with run.attempt(name, "churn"):
            directory = driver.emptied(run.work / "churn")
            peer = run.peer(name, directory)
            try:
                run.held(peer, len(run.cores))
                peer.ask("build", rows=(0, half), threads=len(run.cores))
                effort = effort_of(run, name, peer, 0.95, subject)
                fresh = churn_row(run, peer, effort, subject)
                run.note("churn", peer=name, turnover=0, effort=effort, **fresh)
                sides = np.arange(half), np.arange(half, 2 * half)
                for turnover in range(1, turnovers + 1):
                    old, new = sides[(turnover - 1) % 2], sides[turnover % 2]
                    taken = 0.0
                    for part_old, part_new in zip(
                        np.array_split(old, 20), np.array_split(new, 20)
                    ):
                        taken += peer.ask("replace", old=part_old, new=part_new)
                    row = {"rows_per_second": half / taken}
                    if turnover % 2 == 0:
                        row.update(churn_row(run, peer, effort, subject))
                    run.note("churn", peer=name, turnover=turnover, effort=effort, **row)
                peer.close()
            finally:
                peer.end()
            run.note("churn", peer=name, turnover="closed", disk=machine.disk(directory))


def churn_row(run, peer, effort, subject):
    told = peer.ask(
        "search", queries=(0, len(subject.queries)), k=K, effort=effort,
        seconds=run.limits["seconds"], least=LEAST,
    )
    return {
        "recall": run.recall(told["rows"], subject),
        "qps": len(told["times"]) / sum(told["times"]),
    }


def growth(run):
    """Vectors made up, 10,000 to a million: how build, search and open grow with the rows."""
    size = 10_000
    sizes = []
    while size <= run.limits["growth_rows"]:
        sizes.append(size)
        size = size * 3 if str(size)[0] == "1" else size // 3 * 10
    sizes = sizes or [run.limits["growth_rows"]]
    # The same clusters at every size, so that only the number of rows differs.
    for rows in sizes:
        data = vectors.generated(rows, clusters=200)
        place = run.write(data, "growth-data")
        for name in run.able("index", "disk"):
            with run.attempt(name, "growth"):
                directory = driver.emptied(run.work / "growth")
                peer = run.peer(name, directory, place, metric=data.metric)
                try:
                    threads = run.held(peer, len(run.cores))
                    taken = peer.ask("build", rows=(0, rows), threads=threads)
                    peer.close()
                finally:
                    peer.end()
                peer = run.peer(name, directory, place, metric=data.metric)
                try:
                    run.held(peer, 1)
                    opened = peer.ask("open")
                    points = []
                    for effort in run.efforts[name]:
                        told = peer.ask(
                            "search", queries=(0, len(data.queries)), k=K, effort=effort,
                            seconds=run.limits["seconds"], least=LEAST,
                        )
                        points.append((
                            run.recall(told["rows"], data),
                            len(told["times"]) / sum(told["times"]),
                        ))
                        if points[-1][0] >= 0.97:
                            break
                    peer.close()
                finally:
                    peer.end()
                qps = at_recall(points, 0.95)
                run.note(
                    "growth", peer=name, rows=rows, build_seconds=taken, open_ms=1e3 * opened,
                    qps=qps, recall=max(recall for recall, _ in points),
                    disk=machine.disk(directory),
                )


def exact(run):
    """Scans of all rows, in bytes a second, against what the memory gives."""
    bytes_ = run.data.base.nbytes
    with run.together(run.able("exact"), "exact") as peers:
        for round in range(run.rounds):
            # One core, as the peers have; a product would otherwise use several.
            machine.pin(run.cores[:1])
            rates = machine.bandwidth()
            machine.pin(run.cores)
            run.note("bandwidth", round=round, **rates)

            def measure(name, peer):
                told = peer.ask(
                    "search", queries=(0, min(200, len(run.data.queries))), k=K, effort="exact",
                    seconds=run.limits["seconds"],
                )
                middle = median(told["times"])
                run.note(
                    "exact", peer=name, round=round, ms=1e3 * middle, qps=1 / middle,
                    bytes_per_second=bytes_ / middle, recall=run.recall(told["rows"]),
                    share=bytes_ / middle / max(rates.values()),
                )

            run.in_turns(peers, "exact", measure)


CHAPTERS = {
    "curves": curves, "build": build, "ingest": ingest, "open": opening, "memory": memory,
    "filters": filters, "churn": churn, "cold": cold, "growth": growth, "exact": exact,
}
