"""What a run found, as tables that people read: medians, ratios to hnswlib, and the bars."""

import math

BASELINE = "hnswlib"
OURS = "roost"
RECALLS = (0.90, 0.95, 0.99)


def median(numbers):
    numbers = sorted(numbers)
    if not numbers:
        return None
    middle = len(numbers) // 2
    if len(numbers) % 2:
        return numbers[middle]
    return (numbers[middle - 1] + numbers[middle]) / 2


def at_recall(points, goal):
    """Queries a second at a recall, between the points on a logarithmic scale; None beyond them.

    Where every point finds more than the goal, the quickest of them is what the goal costs.
    """
    best = [
        (recall, qps) for recall, qps in points
        if not any(r >= recall and q > qps for r, q in points)
    ]
    best = sorted(set(best))
    above = [point for point in best if point[0] >= goal]
    if not above:
        return None
    below = [point for point in best if point[0] < goal]
    if not below:
        return max(qps for _, qps in above)
    (r0, q0), (r1, q1) = below[-1], above[0]
    share = (goal - r0) / (r1 - r0)
    return math.exp(math.log(q0) + share * (math.log(q1) - math.log(q0)))


def exponent(points):
    """The slope of a power law through (size, figure); None for fewer than two sizes."""
    points = [(math.log(size), math.log(figure)) for size, figure in points if size and figure]
    if len({size for size, _ in points}) < 2:
        return None
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum(
        (x - mean_x) ** 2 for x, _ in points
    )


def ratio(ours, theirs):
    return None if ours is None or not theirs else ours / theirs


def figure(number, digits=3):
    if number is None:
        return "–"
    if isinstance(number, str):
        return number
    if number == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(number))))
    return f"{number:,.{places}f}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def grouped(rows, *keys):
    found = {}
    for row in rows:
        found.setdefault(tuple(row.get(key) for key in keys), []).append(row)
    return found


def middle(rows, key):
    return median([row[key] for row in rows if row.get(key) is not None])


def points_of(rows, qps="qps", recall="recall"):
    """For each peer, the medians of its efforts as (recall, queries a second)."""
    found = {}
    for (peer, _), group in grouped(rows, "peer", "effort").items():
        a, b = middle(group, recall), middle(group, qps)
        if a is not None and b is not None:
            found.setdefault(peer, []).append((a, b))
    return found


def ratios_by_round(rows, goal, ours, theirs, qps="qps", recall="recall"):
    """The ratio of two peers at a recall, in each round by itself."""
    found = []
    for (_,), group in sorted(grouped(rows, "round").items()):
        points = points_of(group, qps, recall)
        a, b = (at_recall(points.get(name, []), goal) for name in (ours, theirs))
        if a and b:
            found.append(a / b)
    return found


class Report:
    def __init__(self, results):
        self.results = results
        self.found = results["found"]
        self.text = []
        self.bars = []

    def add(self, text=""):
        self.text.append(text)

    def bar(self, what, figure_, bar, below=False):
        """Notes a bar; a figure that was not measured is neither met nor missed."""
        met = None if figure_ is None else bool(figure_ <= bar if below else figure_ >= bar)
        self.bars.append({"what": what, "figure": figure_, "bar": bar, "below": below, "met": met})

    def write(self):
        data, machine = self.results["data"], self.results["machine"]
        self.add(f"# {data['name']}: {data['rows']:,} rows of {data['dimension']}, {data['metric']}")
        self.add()
        self.add(
            "Medians of {rounds} interleaved rounds. Only figures of one run may be compared with each"
            " other, and ratios more than figures.".format(rounds=self.results["rounds"])
        )
        self.add()
        self.add(table(["machine", ""], [
            ["processor", machine["processor"]], ["cores", machine["cores"]],
            ["memory", f"{(machine['memory_bytes'] or 0) / 2**30:.1f} GiB"],
            ["kernel", machine["kernel"]], ["flags", " ".join(machine["flags"])],
            ["commit", machine["commit"] + (" and changes" if machine["changed"] else "")],
            ["load before, after", f"{self.results['load_before']}, {self.results['load_after']}"],
            ["versions", ", ".join(f"{k} {v}" for k, v in self.results["versions"].items())],
        ]))
        for name in (
            "curves", "build", "ingest", "open", "memory", "filters", "churn", "cold", "growth",
            "exact",
        ):
            if self.found.get(name):
                getattr(self, "_" + name)(self.found[name])
        if self.results["failures"]:
            self.add("## What failed or was not there\n")
            self.add(table(["peer", "chapter", "why"], [
                [row["peer"], row["chapter"],
                 ("not there: " if row["missing"] else "failed: ")
                 + row["text"].replace("|", "/").replace("\n", " ")]
                for row in self.results["failures"]
            ]))
        if self.bars:
            self.add("## Bars\n")
            self.add(table(["what", "figure", "bar", ""], [
                [bar["what"], figure(bar["figure"]),
                 ("at most " if bar["below"] else "at least ") + figure(bar["bar"]),
                 {None: "not measured", True: "met", False: "MISSED"}[bar["met"]]]
                for bar in self.bars
            ]))
        return "\n".join(self.text)

    def _curves(self, rows):
        for title, qps, recall in (
            ("one at a time", "qps", "recall"), ("in batches of 1,000", "batch_qps", "batch_recall"),
            ("in batches of 1,000, two threads", "batch_two_qps", "batch_recall"),
        ):
            points = points_of(rows, qps, recall)
            if not points:
                continue
            self.add(f"## Queries a second, {title}\n")
            base = {goal: at_recall(points.get(BASELINE, []), goal) for goal in RECALLS}
            lines = []
            for peer, line in points.items():
                cells = [peer]
                for goal in RECALLS:
                    had = at_recall(line, goal)
                    times = ratio(had, base[goal])
                    # Even the least effort finds more than that.
                    mark = "≥ " if had and min(r for r, _ in line) > goal else ""
                    cells.append(mark + figure(had) + (f" ({times:.2f}x)" if times else ""))
                cells.append(f"{max(r for r, _ in line):.4f}")
                lines.append(cells)
            self.add(table(["peer"] + [f"@ {goal:.2f}" for goal in RECALLS] + ["best recall"], lines))
            if "two" in title:
                continue
            name = "batch" if qps == "batch_qps" else "one"
            self.add(f"![recall against queries a second](curves-{name}.svg)\n")
            for goal in RECALLS:
                bar = 2.5 if goal == 0.99 else 2.7
                if name == "one":
                    bar *= 0.8
                self.bar(
                    f"{OURS} / {BASELINE}, recall {goal:.2f}, {title}",
                    median(ratios_by_round(rows, goal, OURS, BASELINE, qps, recall)), bar,
                )
            if name == "batch":
                self.bar(f"{OURS} / zvec, recall 0.95, {title}",
                         median(ratios_by_round(rows, 0.95, OURS, "zvec", qps, recall)), 4)
                for goal in (0.95, 0.99):
                    self.bar(
                        f"roost-ivf / faiss-ivf, recall {goal:.2f}",
                        median(ratios_by_round(rows, goal, "roost-ivf", "faiss-ivf", qps, recall)),
                        1.5,
                    )
        self.add("## Latency, one at a time, at the least effort of recall 0.95\n")
        lines = []
        for (peer,), group in grouped(rows, "peer").items():
            efforts = [(middle(g, "recall"), e, g) for (e,), g in grouped(group, "effort").items()]
            fit = [entry for entry in efforts if entry[0] >= 0.95]
            if fit:
                recall, effort, chosen = min(fit, key=lambda entry: entry[0])
                lines.append([peer, effort, f"{recall:.4f}", figure(middle(chosen, "p50_ms")),
                              figure(middle(chosen, "p99_ms"))])
        self.add(table(["peer", "effort", "recall", "p50 ms", "p99 ms"], lines))

    def _build(self, rows):
        self.add("## Build\n")
        by = grouped(rows, "peer", "threads")
        base = middle(by.get((BASELINE, 1), []), "rows_per_second")
        lines = []
        for (peer, threads), group in by.items():
            had = middle(group, "rows_per_second")
            one = middle(by.get((peer, 1), []), "rows_per_second")
            lines.append([peer, threads, figure(middle(group, "seconds")), figure(had),
                          figure(ratio(had, base)), figure(ratio(had, one)),
                          figure(middle(group, "disk") / self._raw())])
        self.add(table(["peer", "threads", "s", "rows/s", f"to {BASELINE} on one", "to itself on one",
                        "disk / raw"], lines))
        ours = [middle(by.get((OURS, threads), []), "rows_per_second") for threads in (1, 2)]
        self.bar("build rate on one thread / hnswlib", ratio(ours[0], base), 1.5)
        self.bar("build rate on two threads / on one", ratio(ours[1], ours[0]), 1.8)
        disk = middle(by.get((OURS, 1), []), "disk")
        self.bar("disk with HNSW / raw floats", disk and disk / self._raw(), 1.6, below=True)

    def _raw(self):
        return 4 * self.results["data"]["rows"] * self.results["data"]["dimension"]

    def _ingest(self, rows):
        self.add("## Ingest\n")
        sync = {row["peer"]: row["per_commit"] for row in self.found.get("sync", [])}
        by = grouped(rows, "peer", "per_commit")
        lines = [
            [peer, per, figure(middle(group, "rows_per_second")),
             figure(middle(group, "commits_per_second")),
             figure(middle(group, "searchable_per_second")),
             figure(sync.get(peer)) if per == 1 else ""]
            for (peer, per), group in by.items()
        ]
        self.add(table(["peer", "rows a commit", "rows/s", "commits/s", "rows/s until searchable",
                        "sync calls a commit"], lines))
        if not sync:
            self.add("Sync calls could not be counted here. A peer may answer before anything is on"
                     " the disk.\n")
        bulk = lambda peer, key: middle(by.get((peer, 500), []), key)  # noqa: E731
        self.bar("rows in commits of 500 / sqlite-vec",
                 ratio(bulk(OURS, "rows_per_second"), bulk("sqlite-vec", "rows_per_second")), 2)
        self.bar("rows until searchable / zvec",
                 ratio(bulk(OURS, "searchable_per_second"), bulk("zvec", "searchable_per_second")), 2)
        self.bar("one-row commits / append + fdatasync", ratio(
            middle(by.get((OURS, 1), []), "commits_per_second"),
            middle([row for row in by.get(("append + fdatasync", 1), [])
                    if row.get("before", OURS) == OURS], "commits_per_second")), 0.7)

    def _open(self, rows):
        self.add("## Open\n")
        self.add(table(["peer", "open ms", "first query ms", "disk / raw"], [
            [peer, figure(middle(group, "open_ms")), figure(middle(group, "first_ms")),
             figure(middle(group, "disk") / self._raw())]
            for (peer,), group in grouped(rows, "peer").items()
        ]))
        ours = [row["open_ms"] for row in rows if row["peer"] == OURS]
        self.bar("open, ms", median(ours), 10, below=True)

    def _memory(self, rows):
        self.add("## Resident memory, MB above the process with its queries\n")
        by = {peer: group for (peer,), group in grouped(rows, "peer").items()}
        self.add(table(["peer", "opened", "after 1,000 queries", "of it not of files",
                        "with its servers", f"to {BASELINE}"], [
            [peer, *[figure(middle(group, key) / 1e6)
                     for key in ("opened", "resident", "own", "family")],
             figure(ratio(middle(group, "resident"), middle(by.get(BASELINE, []), "resident")))]
            for peer, group in by.items()
        ]))
        self.bar(f"resident memory / {BASELINE}", ratio(
            middle(by.get(OURS, []), "resident"), middle(by.get(BASELINE, []), "resident")), 1, True)

    def _filters(self, rows):
        self.add("## Filtered: queries a second at recall 0.99, else at the best that was reached\n")
        titles = list(dict.fromkeys(row["filter"] for row in rows))
        peers = list(dict.fromkeys(row["peer"] for row in rows))
        best = {}
        lines = []
        for peer in peers:
            cells = [peer]
            for title in titles:
                mine = [row for row in rows if row["peer"] == peer and row["filter"] == title]
                points = points_of(mine).get(peer, [])
                if not points:
                    cells.append("–")
                    continue
                had = at_recall(points, 0.99)
                best[peer, title] = had
                recall, qps = max(points)
                text = f"{figure(qps)} @ {recall:.3f}" if had is None else figure(had)
                # What a thorough search gave too few of, or wrongly, is said.
                short = min((row["short"] for row in mine), default=0)
                wrong = max((row["wrong"] for row in mine), default=0)
                text += f", {short} short" if short else ""
                text += f", {wrong} WRONG" if wrong else ""
                cells.append(text)
            lines.append(cells)
        self.add(table(["peer", *titles], lines))
        databases = ("zvec", "qdrant-edge", "lancedb", "chromadb", "pgvector", "sqlite-vec")
        for title in titles:
            rivals = [best[peer, title] for peer in databases if best.get((peer, title))]
            self.bar(f"filtered {title} / best database", ratio(
                best.get((OURS, title)), max(rivals, default=None)), 1.5)
        short = [row["short"] for row in rows if row["peer"] == OURS]
        self.bar("filtered queries with fewer than min(k, matches)", max(short, default=None), 0, True)

    def _churn(self, rows):
        self.add("## Ten turnovers of delete and insert\n")
        lines = []
        for (peer,), group in grouped(rows, "peer").items():
            known = [row for row in group if "recall" in row]
            if not known:
                continue
            first, last = known[0], known[-1]
            lines.append([
                peer, first["effort"], f"{first['recall']:.4f}", f"{last['recall']:.4f}",
                figure(100 * (last["recall"] - first["recall"])),
                figure(ratio(last["qps"], first["qps"])), figure(middle(group, "rows_per_second")),
                last["turnover"],
            ])
            if peer == OURS:
                self.bar("points of recall lost by ten turnovers",
                         100 * (first["recall"] - last["recall"]), 0.5, True)
        self.add(table(["peer", "effort", "recall fresh", "recall after", "points", "queries/s after /"
                        " fresh", "rows/s replaced", "turnovers"], lines))

    def _cold(self, rows):
        self.add("## Cold cache, ms\n")
        self.add(table(["peer", "open", "first query", "p50 of 100", "p99 of 100"], [
            [peer, *[figure(middle(group, key))
                     for key in ("open_ms", "first_ms", "p50_ms", "p99_ms")]]
            for (peer,), group in grouped(rows, "peer").items()
        ]))

    def _growth(self, rows):
        self.add("## Growth, made-up vectors\n")
        lines = []
        for (peer,), group in grouped(rows, "peer").items():
            for row in group:
                lines.append([peer, f"{row['rows']:,}", figure(row["build_seconds"]),
                              figure(row["qps"]), f"{row['recall']:.3f}", figure(row["open_ms"])])
            build, query, opening = (
                exponent([(row["rows"], row.get(key)) for row in group])
                for key in ("build_seconds", "qps", "open_ms")
            )
            lines.append([f"{peer}, exponent", "", figure(build), figure(query), "", figure(opening)])
        self.add(table(["peer", "rows", "build s", "queries/s @ 0.95", "best recall", "open ms"],
                       lines))

    def _exact(self, rows):
        self.add("## Exact scan\n")
        loops = self.found.get("bandwidth", [])
        if loops:
            names = [key for key in loops[0] if key != "round"]
            self.add("Memory read by one core in order, GB/s: " + ", ".join(
                f"{name} {middle(loops, name) / 1e9:.1f}" for name in names) + ".\n")
        self.add(f"The rows take {self._raw() / 1e6:.0f} MB. What a cache holds of them is read faster"
                 " than memory.\n")
        by = {peer: group for (peer,), group in grouped(rows, "peer").items()}
        self.add(table(["peer", "ms", "queries/s", "GB/s of raw floats", "of the bandwidth",
                        "recall"], [
            [peer, figure(middle(group, "ms")), figure(middle(group, "qps")),
             figure(middle(group, "bytes_per_second") / 1e9), f"{100 * middle(group, 'share'):.0f} %",
             f"{middle(group, 'recall'):.4f}"]
            for peer, group in by.items()
        ]))
        self.bar("exact scan, of the bandwidth", middle(by.get(OURS, []), "share"), 0.85)
        self.bar("exact scan / faiss-flat", ratio(
            middle(by.get(OURS, []), "qps"), middle(by.get("faiss-flat", []), "qps")), 3)
