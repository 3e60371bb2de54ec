"""The comparison itself: what it computes, what it draws, and how it stands up to bad peers.

Benchmarks/tests/run, or Tests/python, which runs these with numpy.
"""

import json
import os
import pathlib
import signal
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

import numpy as np

BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BENCHMARKS))

from comparison import adapter, chapters, driver, machine, plot, truth, vectors  # noqa: E402
from comparison.__main__ import written  # noqa: E402
from comparison.report import Report, at_recall, exponent, median, ratios_by_round  # noqa: E402
from comparison.run import Run  # noqa: E402

PEERS = pathlib.Path(__file__).resolve().parent


class Recall(unittest.TestCase):
    def setUp(self):
        # Rows 1 and 2 are equally far from the query, row 3 is farther.
        self.base = np.array([[0, 0], [1, 0], [0, 1], [2, 0]], np.float32)
        self.query = np.zeros((1, 2), np.float32)
        self.truth = truth.nearest("l2", self.base, self.query, 2)

    def of(self, *rows, mask=None):
        return truth.recall("l2", self.base, self.query, self.truth, [rows], 2, mask)

    def test_a_row_as_near_as_the_last_true_one_counts(self):
        self.assertEqual(self.truth.tolist(), [[0, 1]])
        self.assertEqual(self.of(0, 1), 1)
        self.assertEqual(self.of(0, 2), 1)

    def test_a_row_beyond_it_does_not(self):
        self.assertEqual(self.of(0, 3), 0.5)

    def test_a_row_counts_once_and_one_that_is_not_there_never(self):
        self.assertEqual(self.of(0, 0), 0.5)
        self.assertEqual(self.of(0, -1), 0.5)
        self.assertEqual(self.of(0, 99), 0.5)

    def test_no_more_than_k_rows_count(self):
        self.assertEqual(self.of(3, 3, 3, 0, 1), 0.5)

    def test_fewer_rows_than_k_are_all_there_is_to_find(self):
        mask = np.array([False, False, False, True])
        true = truth.nearest("l2", self.base, self.query, 2, mask)
        self.assertEqual(true.tolist(), [[3, -1]])
        found = truth.recall("l2", self.base, self.query, true, [[3]], 2, mask)
        self.assertEqual(found, 1)

    def test_a_row_that_the_filter_forbids_does_not_count(self):
        mask = np.array([False, True, True, True])
        true = truth.nearest("l2", self.base, self.query, 2, mask)
        self.assertEqual(truth.recall("l2", self.base, self.query, true, [[0, 1]], 2, mask), 0.5)

    def test_blocks_and_metrics_agree_with_a_plain_computation(self):
        random = np.random.default_rng(3)
        base = random.standard_normal((500, 8)).astype(np.float32)
        queries = random.standard_normal((7, 8)).astype(np.float32)
        for metric in ("l2", "cosine"):
            rows = vectors.unit(base) if metric == "cosine" else base
            wanted = vectors.unit(queries) if metric == "cosine" else queries
            found = truth.nearest(metric, rows, wanted, 10, block=90)
            for query, line in zip(wanted, found):
                plain = np.argsort(truth.distances(metric, query, rows), kind="stable")[:10]
                self.assertEqual(line.tolist(), plain.tolist())

    def test_what_was_computed_is_kept_and_found_again(self):
        data = vectors.generated(300, dimension=8, queries=5)
        with tempfile.TemporaryDirectory() as folder:
            first = truth.cached(folder, data, 3)
            (kept,) = pathlib.Path(folder).iterdir()
            np.save(kept, np.zeros_like(first))
            self.assertEqual(truth.cached(folder, data, 3).sum(), 0)
            other = vectors.generated(300, dimension=8, queries=5, seed=2)
            self.assertGreater(truth.cached(folder, other, 3).sum(), 0)


class Vectors(unittest.TestCase):
    def test_a_seed_names_the_vectors(self):
        one, same, other = (vectors.generated(200, 16, 10, seed) for seed in (5, 5, 6))
        self.assertEqual(one.digest(), same.digest())
        self.assertNotEqual(one.digest(), other.digest())

    def test_vectors_lie_in_clusters_that_are_stretched(self):
        data = vectors.generated(4_000, 32, 10, clusters=10)
        groups = data.columns["cluster"]
        whole = data.base.var(axis=0).sum()
        inside = np.mean([
            data.base[groups == name].var(axis=0).sum() for name in np.unique(groups)
        ])
        self.assertLess(inside, 0.8 * whole)
        largest = max(np.unique(groups), key=lambda name: (groups == name).sum())
        spread = np.linalg.eigvalsh(np.cov(data.base[groups == largest].T))
        self.assertGreater(spread[-1], 5 * spread[0])

    def test_more_rows_of_a_seed_lie_in_the_same_clusters(self):
        small, large = (vectors.generated(rows, 16, 20, clusters=5) for rows in (100, 1_000))
        self.assertTrue(np.array_equal(small.queries, large.queries))

    def test_filters_come_close_to_their_shares(self):
        data = vectors.generated(10_000, 8, 5, clusters=100)
        found = vectors.filters(data)
        self.assertEqual(len(found), 6)
        for (title, filter, mask), share in zip(found, vectors.SHARES * 2):
            self.assertLess(abs(mask.mean() - share), 0.25 * share, title)
            operator, column, value = adapter.condition(filter)
            rows = data.metadata()
            for row in range(0, 10_000, 97):
                had = rows[row][column]
                passes = had < value if operator == "lt" else had in value
                self.assertEqual(passes, bool(mask[row]))

    def test_a_share_that_no_labels_come_close_to_is_left_out(self):
        labels = {"label": np.arange(1_000) % 10}
        data = vectors.Data("d", np.zeros((1_000, 2)), np.zeros((1, 2)), "l2", labels)
        titles = [title for title, _, _ in vectors.filters(data)]
        self.assertEqual(
            titles, ["label 10%", "label 50%", "number 1%", "number 10%", "number 50%"]
        )

    def test_files_of_vectors_are_read(self):
        rows = np.arange(12, dtype=np.float32).reshape(3, 4)
        with tempfile.TemporaryDirectory() as folder:
            np.save(folder + "/rows.npy", rows)
            heads = np.full((3, 1), 4, np.int32)
            np.concatenate([heads, rows.view(np.int32)], axis=1).tofile(folder + "/rows.fvecs")
            for name in ("rows.npy", "rows.fvecs"):
                self.assertTrue(np.array_equal(vectors.read_vectors(folder + "/" + name), rows))
            with self.assertRaises(ValueError):
                vectors.read_vectors(folder + "/rows.csv")

    def test_vectors_held_out_of_a_file_are_not_in_its_base(self):
        rows = np.arange(9_000, dtype=np.float32).reshape(3_000, 3)
        with tempfile.TemporaryDirectory() as folder:
            np.save(folder + "/rows.npy", rows)
            data = vectors.dataset(folder + "/rows.npy", folder)
        self.assertEqual((len(data.base), len(data.queries)), (2_000, 1_000))
        self.assertFalse(set(data.base[:, 0]) & set(data.queries[:, 0]))

    def test_a_filter_becomes_sql(self):
        self.assertEqual(adapter.sql({"lt": ["n", 5]}), "n < 5")
        self.assertEqual(adapter.sql({"in": ["word", ["a", "b"]]}), "word in ('a', 'b')")


class Plot(unittest.TestCase):
    def test_a_scale_maps_its_ends_and_its_middle(self):
        scale = plot.Scale(10, 1_000, 500, 100, logarithmic=True)
        self.assertAlmostEqual(scale(10), 500)
        self.assertAlmostEqual(scale(100), 300)
        self.assertAlmostEqual(scale(1_000), 100)
        self.assertAlmostEqual(plot.Scale(0.8, 1.0, 0, 200)(0.9), 100)

    def test_a_logarithmic_scale_refuses_what_has_no_logarithm(self):
        with self.assertRaises(ValueError):
            plot.Scale(0, 10, 0, 1, logarithmic=True)

    def test_ticks_hold_the_numbers(self):
        self.assertEqual(plot.decades(30, 900), [20, 50, 100, 200, 500, 1000])
        self.assertEqual(plot.decades(100, 100), [100])
        self.assertEqual([round(t, 2) for t in plot.ticks(0.95, 1.0, 0.02)][-1], 1.0)

    def test_labels_stand_apart_and_stay_inside(self):
        places = plot.spread([50, 51, 52, 300, 301], 16, 40, 302)
        ordered = sorted(places)
        self.assertTrue(all(b - a >= 16 - 1e-9 for a, b in zip(ordered, ordered[1:])))
        self.assertLessEqual(ordered[-1], 302)
        self.assertGreaterEqual(ordered[0], 40)

    def test_a_plot_is_xml_with_every_line_inside_and_named(self):
        lines = {"roost": [(0.9, 9_000), (0.99, 3_000)], "a <b>": [(0.85, 20_000), (0.97, 15)]}
        root = xml.fromstring(plot.curves("one & two", lines))
        name = "{http://www.w3.org/2000/svg}"
        texts = [text.text for text in root.iter(name + "text")]
        self.assertTrue({"roost", "a <b>", "one & two"} <= set(texts))
        drawn = list(root.iter(name + "polyline"))
        self.assertEqual(len(drawn), 2)
        for line in drawn:
            places = [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]
            self.assertTrue(all(80 <= x <= 690 and 56 <= y <= 496 for x, y in places))
            # More recall is further right, and costs queries a second.
            self.assertLess(places[0][0], places[1][0])
            self.assertLess(places[0][1], places[1][1])

    def test_nothing_measured_is_said(self):
        self.assertIn("nothing was measured", plot.curves("none", {"roost": []}))
        xml.fromstring(plot.curves("one", {"roost": [(1.0, 100.0)]}))


class Figures(unittest.TestCase):
    def test_between_two_points_the_logarithm_is_straight(self):
        points = [(0.90, 10_000), (1.00, 100)]
        self.assertAlmostEqual(at_recall(points, 0.95), 1_000)
        self.assertEqual(at_recall(points, 0.8), 10_000)
        self.assertAlmostEqual(at_recall(points, 1.0), 100)
        self.assertIsNone(at_recall([(0.9, 10)], 0.95))

    def test_a_point_that_another_beats_in_both_does_not_count(self):
        points = [(0.90, 1_000), (0.94, 50), (0.99, 500)]
        self.assertGreater(at_recall(points, 0.95), 500)

    def test_an_exponent_is_the_slope_of_the_logarithms(self):
        self.assertAlmostEqual(exponent([(n, 3 * n**1.5) for n in (10, 100, 1_000)]), 1.5)
        self.assertIsNone(exponent([(10, 5)]))
        self.assertIsNone(exponent([(10, 5), (100, None)]))

    def test_a_median_of_an_even_number_lies_between(self):
        self.assertEqual(median([4, 1, 3, 2]), 2.5)
        self.assertIsNone(median([]))

    def test_ratios_are_taken_inside_rounds(self):
        rows = [
            {"peer": peer, "round": round, "effort": 1, "recall": 0.95, "qps": qps}
            for round, (ours, theirs) in enumerate([(300, 100), (30, 10), (500, 100)])
            for peer, qps in (("roost", ours), ("hnswlib", theirs))
        ]
        ratios = ratios_by_round(rows, 0.95, "roost", "hnswlib")
        self.assertEqual([round(ratio, 6) for ratio in ratios], [3, 3, 5])

    def test_a_bar_that_was_not_measured_is_neither_met_nor_missed(self):
        report = Report({"found": {}})
        report.bar("a", 3, 2.7)
        report.bar("b", 2, 2.7)
        report.bar("c", None, 2.7)
        report.bar("d", 5, 10, below=True)
        self.assertEqual([bar["met"] for bar in report.bars], [True, False, None, True])


class Machine(unittest.TestCase):
    def test_calls_that_sync_are_counted_from_the_summary(self):
        summary = (
            "% time     seconds  usecs/call     calls    errors syscall\n"
            "------ ----------- ----------- --------- --------- ----------------\n"
            " 60.00    0.000600          30        20           fdatasync\n"
            " 30.00    0.000300          30        10         2 fsync\n"
            " 10.00    0.000100           1       100           write\n"
        )
        self.assertEqual(machine.sync_calls(summary), {"fdatasync": 20, "fsync": 10})

    def test_a_fingerprint_tells_the_machine_and_the_source(self):
        found = machine.fingerprint(BENCHMARKS.parent)
        self.assertTrue({"processor", "flags", "cores", "kernel", "commit"} <= set(found))

    def test_bytes_on_disk_are_counted_once_for_each_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "a")
            path.write_bytes(b"x" * 100_000)
            once = machine.disk(folder)
            pathlib.Path(folder, "b").hardlink_to(path)
            self.assertEqual(machine.disk(folder), once)


class Peers(unittest.TestCase):
    """A run with a peer that is exact, and with others that crash, refuse or are not there."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        names = ("exact", "crashing", "refusing", "absent")
        known = {name: "exact_peer.py" for name in names}
        adapter.KNOWN.update(known)
        cls.addClassCleanup(lambda: [adapter.KNOWN.pop(name) for name in names])
        data = vectors.generated(400, dimension=8, queries=20, clusters=40)
        cls.run_ = Run(
            data, names, cls.folder.name + "/work", rounds=2, folder=PEERS, say=lambda text: None,
            seconds=0.2, ingest_rows=120, commits=5, churn_rows=200, turnovers=2,
            growth_rows=500,
        )
        for name in ("curves", "build", "ingest", "open", "memory", "filters", "churn", "cold"):
            chapters.CHAPTERS[name](cls.run_)

    def failures(self, name):
        return [row for row in self.run_.failures if row["peer"] == name]

    def test_an_exact_peer_finds_everything(self):
        rows = [row for row in self.run_.found["curves"] if row["peer"] == "exact"]
        self.assertEqual({row["round"] for row in rows}, {0, 1})
        by_effort = {row["effort"]: row["recall"] for row in rows}
        self.assertAlmostEqual(by_effort[1], 0.8)
        self.assertEqual(by_effort[2], 1)
        self.assertTrue(all(row["qps"] > 0 and row["p99_ms"] >= row["p50_ms"] for row in rows))
        self.assertEqual(self.failures("exact"), [])

    def test_a_crash_is_a_row_of_the_report(self):
        found = [row["text"] for row in self.failures("crashing")]
        self.assertTrue(any("SIGSEGV" in text for text in found), found)

    def test_a_refusal_is_one_too(self):
        found = [row["text"] for row in self.failures("refusing")]
        self.assertTrue(any("does not like these rows" in text for text in found), found)

    def test_a_peer_that_is_not_there_is_told_from_one_that_fails(self):
        (row,) = self.failures("absent")
        self.assertTrue(row["missing"])

    def test_filtered_answers_are_whole_and_right(self):
        rows = [row for row in self.run_.found["filters"] if row["peer"] == "exact"]
        self.assertTrue(all(row["wrong"] == 0 for row in rows))
        self.assertTrue(all(row["short"] == 0 for row in rows if row["effort"] == 2))
        self.assertTrue(all(row["recall"] == 1 for row in rows if row["effort"] == 2))

    def test_turnovers_lose_an_exact_peer_nothing(self):
        rows = [row for row in self.run_.found["churn"]
                if row["peer"] == "exact" and "recall" in row]
        self.assertEqual([row["turnover"] for row in rows], [0, 2])
        self.assertEqual([row["recall"] for row in rows], [1, 1])

    def test_memory_and_disk_are_of_the_process_and_the_directory(self):
        memory = [row for row in self.run_.found["memory"] if row["peer"] == "exact"]
        self.assertTrue(all(30e6 < row["resident"] < 90e6 for row in memory), memory)
        opened = [row for row in self.run_.found["open"] if row["peer"] == "exact"]
        self.assertTrue(all(row["disk"] >= 400 * 8 * 4 for row in opened))

    def test_results_are_json_a_report_and_plots(self):
        results = {
            "rounds": 2, "machine": machine.fingerprint(BENCHMARKS.parent), "versions": {},
            "load_before": [0], "load_after": [0], "failures": self.run_.failures,
            "found": self.run_.found,
            "data": {"name": "made up", "rows": 400, "dimension": 8, "metric": "l2"},
        }
        out = pathlib.Path(self.folder.name, "out")
        written(results, out)
        with open(out / "results.json", encoding="utf-8") as file:
            self.assertIn("bars", json.load(file))
        text = (out / "report.md").read_text(encoding="utf-8")
        for line in ("## Queries a second, one at a time", "failed: died of SIGSEGV", "not there"):
            self.assertIn(line, text)
        xml.parse(out / "curves-one.svg")

    def test_a_peer_that_answers_too_late_is_given_up(self):
        peer = self.run_.peer("exact", driver.emptied(self.run_.work / "late"))
        try:
            # A process that is stopped answers nothing, however little it is asked.
            os.kill(peer.pid, signal.SIGSTOP)
            peer.limit = 0.2
            with self.assertRaises(driver.PeerFailure) as caught:
                peer.ask("build", rows=(0, 400), threads=1)
            self.assertIn("more than 0.2 s", str(caught.exception))
        finally:
            peer.end()

    def test_every_known_peer_has_its_file(self):
        for name in adapter.KNOWN:
            folder = PEERS if name in ("exact", "crashing", "refusing", "absent") else adapter.PEERS
            self.assertTrue(adapter.peer_file(name, folder).is_file(), name)


if __name__ == "__main__":
    unittest.main()
