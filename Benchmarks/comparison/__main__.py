"""Benchmarks/compare: see Benchmarks/README.md."""

import argparse
import datetime
import json
import os
import pathlib
import sys

from . import machine, plot, vectors
from .adapter import KNOWN
from .chapters import CHAPTERS
from .report import Report, points_of
from .run import Run

ROOT = pathlib.Path(__file__).resolve().parents[2]


def arguments():
    parser = argparse.ArgumentParser(
        prog="Benchmarks/compare", description="Measures Roost and its peers in one run, in turns."
    )
    parser.add_argument(
        "--data", default="generated",
        help="wordnet-384, mnist-784, generated, or a file .npy, .npy.gz, .fvecs, .bvecs",
    )
    parser.add_argument(
        "--data-folder", default=os.environ.get("ROOST_BENCH_DATA", ".build/bench/data"),
        help="where the named data lies (ROOST_BENCH_DATA)",
    )
    parser.add_argument("--metric", choices=("l2", "cosine"), help="l2 unless the data knows better")
    parser.add_argument("--peers", default=",".join(KNOWN), help="names with commas between")
    parser.add_argument("--chapters", default=",".join(CHAPTERS), help="names with commas between")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=0, help="only the first rows; all when 0")
    parser.add_argument("--queries", type=int, default=1000, help="only the first queries")
    parser.add_argument("--seconds", type=float, default=3.0, help="most for one point of a curve")
    parser.add_argument("--growth-rows", type=int, default=1_000_000)
    parser.add_argument("--ingest-rows", type=int, default=20_000)
    parser.add_argument("--churn-rows", type=int, default=20_000)
    parser.add_argument("--turnovers", type=int, default=10)
    parser.add_argument("--commits", type=int, default=1_000, help="commits of one row")
    parser.add_argument("--seed", type=int, default=1, help="of generated vectors")
    parser.add_argument("--work", default=".build/bench/comparison", help="on the disk to measure")
    parser.add_argument("--out", help="a new folder in .build/bench unless told")
    given = parser.parse_args()
    given.peers = [name for name in given.peers.split(",") if name]
    given.chapters = [name for name in given.chapters.split(",") if name]
    for name in given.chapters:
        if name not in CHAPTERS:
            parser.error(f"there is no chapter {name}; there are {', '.join(CHAPTERS)}")
    for name in given.peers:
        if name not in KNOWN:
            parser.error(f"there is no peer {name}; there are {', '.join(KNOWN)}")
    for name in ("rounds", "queries", "commits", "turnovers"):
        if getattr(given, name) < 1:
            parser.error(f"--{name} is at least 1")
    return given


def written(results, out):
    """Writes results.json, report.md and the plots."""
    out.mkdir(parents=True, exist_ok=True)
    report = Report(results)
    text = report.write()
    results = {**results, "bars": report.bars}
    with open(out / "results.json", "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    (out / "report.md").write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    data = results["data"]
    curves = results["found"].get("curves", [])
    for name, title, qps, recall in (
        ("one", "one at a time", "qps", "recall"),
        ("batch", "in batches of 1,000", "batch_qps", "batch_recall"),
    ):
        if curves:
            title = f"{data['name']}, {data['rows']:,} rows: {title}, one thread"
            (out / f"curves-{name}.svg").write_text(
                plot.curves(title, points_of(curves, qps, recall)), encoding="utf-8"
            )
    return report


def main():
    given = arguments()
    now = datetime.datetime.now(datetime.timezone.utc)
    out = pathlib.Path(given.out or f".build/bench/{given.data.split('/')[-1]}-{now:%Y%m%d-%H%M%S}")
    try:
        data = vectors.dataset(given.data, given.data_folder, given.rows, given.metric, given.seed)
    except (OSError, ValueError) as error:
        print(f"Benchmarks/compare: {error}", file=sys.stderr)
        return 2
    if given.queries < len(data.queries):
        data.queries = data.queries[: given.queries]
        data.truth = None if data.truth is None else data.truth[: given.queries]
    before = machine.load()
    run = Run(
        data, given.peers, given.work, given.rounds, seconds=given.seconds,
        growth_rows=given.growth_rows, ingest_rows=given.ingest_rows,
        churn_rows=given.churn_rows, turnovers=given.turnovers, commits=given.commits,
    )

    def results():
        return {
            # Results are kept for others, to whom the folders of this machine mean nothing.
            "when": now.isoformat(),
            "arguments": {
                name: value for name, value in vars(given).items()
                if name not in ("data_folder", "work", "out")
            },
            "rounds": given.rounds,
            "machine": machine.fingerprint(ROOT), "load_before": before,
            "load_after": machine.load(), "versions": run.versions,
            "data": {
                "name": data.name, "rows": len(data.base), "dimension": data.base.shape[1],
                "queries": len(data.queries), "metric": data.metric, "digest": data.digest(),
            },
            "found": run.found, "failures": run.failures,
        }

    for chapter in given.chapters:
        run.say(f"== {chapter}")
        CHAPTERS[chapter](run)
        # A run that is ended keeps the chapters it finished.
        report = written(results(), out)
    print(out / "report.md")
    missed = [bar["what"] for bar in report.bars if bar["met"] is False]
    for what in missed:
        run.say(f"missed: {what}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
