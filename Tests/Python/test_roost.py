"""The Python module against real stores; runs with numpy and without it."""

import array
import gc
import math
import os
import pathlib
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

import roost

try:
    import numpy
except ImportError:
    numpy = None

WITHOUT_NUMPY = os.environ.get("ROOST_TEST_WITHOUT_NUMPY") == "1"


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="roost-python-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.store = roost.open(self.folder / "store")
        self.addCleanup(self.store.close)
        self.notes = self.store.ensure_collection("notes", 2, metric="l2")

    def fill(self, count=10):
        self.notes.upsert(
            [str(number) for number in range(count)],
            [[number, 0] for number in range(count)],
            metadata=[{"number": number} for number in range(count)],
            contents=[None if number % 2 else f"note {number}" for number in range(count)],
        )

    def refused(self, code):
        case = self

        class Refused:
            def __enter__(self):
                return self

            def __exit__(self, kind, error, _):
                case.assertIsInstance(error, roost.Error, f"expected {code}")
                case.assertEqual(error.code, code, str(error))
                self.error = error
                return True

        return Refused()


class WritingAndReading(Case):
    def test_the_numpy_that_was_asked_for_is_there_or_not(self):
        self.assertEqual(numpy is None, WITHOUT_NUMPY)

    def test_records_come_back_as_they_were_written(self):
        metadata = {"text": "ä\n\u2028", "big": 2**60 + 1, "deep": [{"a": None}, 0.1]}
        self.notes.insert(["é", "b"], [[0.1, -2.5], [3, 4]], [metadata, None], ["ß\n", None])
        record = self.notes.get("é")
        self.assertEqual(record.metadata, metadata)
        self.assertEqual(record.content, "ß\n")
        self.assertEqual(list(record.vector), list(array.array("f", [0.1, -2.5])))
        other, missing = self.notes.get(["b", "none"])
        self.assertEqual((other.metadata, other.content, missing), ({}, None, None))
        self.assertIsNone(self.notes.get("b", vector=False).vector)
        with self.refused("not_found") as refused:
            self.notes.get("none")
        self.assertIn("'none'", refused.error.message)
        with self.refused("already_exists"):
            self.notes.insert(["b"], [[0, 0]])

    def test_counting_deleting_and_walking(self):
        self.fill(25)
        self.assertEqual(len(self.notes), 25)
        self.assertEqual(self.notes.count({"lt": ["number", 5]}), 5)
        self.assertEqual(self.notes.delete(["3", "4", "none"]), 2)
        self.assertEqual(self.notes.delete("5"), 1)
        self.assertEqual(self.notes.delete_where({"gt": ["number", 19]}), 5)
        with self.refused("invalid_argument"):
            self.notes.delete_where(None)
        ids = [record.id for record in self.notes.records(page=4, vector=False)]
        self.assertEqual(ids, sorted(str(n) for n in range(20) if n not in (3, 4, 5)))
        self.assertEqual(len(list(self.notes.records({"eq": ["number", 7]}))), 1)

    def test_collections_are_made_listed_found_and_dropped(self):
        self.assertEqual(self.store.ensure_collection("notes", 2, metric="l2").spec["name"], "notes")
        with self.refused("schema_mismatch"):
            self.store.ensure_collection("notes", 3, metric="l2")
        self.assertEqual([spec["name"] for spec in self.store.collections()], ["notes"])
        found = self.store.collection("notes")
        self.assertEqual((found.dimension, found.metric), (2, "l2"))
        self.store.drop_collection("notes")
        with self.refused("not_found"):
            self.store.collection("notes")
        with self.refused("not_found"):
            found.count()

    def test_a_store_is_a_context_and_is_closed_once(self):
        with roost.open(self.folder / "other", durability={"buffered_ms": 20}) as other:
            notes = other.ensure_collection("notes", 1)
            notes.upsert(["a"], [[1]])
        other.close()
        with self.refused("closed"):
            notes.count()
        with self.refused("closed"):
            other.statistics()
        with roost.open(self.folder / "other", access="read_only") as reader:
            self.assertEqual(reader.collection("notes").count(), 1)
            reader.refresh()
            with self.refused("read_only"):
                reader.drop_collection("notes")
        with self.refused("invalid_argument"):
            roost.open(self.folder / "third", surprise=1)

    def test_a_store_that_nobody_holds_lets_its_lock_go(self):
        other = roost.open(self.folder / "other")
        with self.refused("locked"):
            roost.open(self.folder / "other")
        notes = other.ensure_collection("notes", 1)
        del other
        gc.collect()
        notes.upsert(["a"], [[1]])
        del notes
        gc.collect()
        roost.open(self.folder / "other").close()


class Vectors(Case):
    def test_lists_tuples_arrays_and_buffers_are_all_vectors(self):
        flat = array.array("f", [1, 2, 3, 4])
        kinds = [
            [[1, 2], [3, 4]], ((1, 2), (3, 4)), flat, memoryview(flat),
            memoryview(flat.tobytes()).cast("f"), array.array("d", [1, 2, 3, 4]),
            memoryview(flat).cast("B").cast("f", [2, 2]), [array.array("f", [1, 2]), (3, 4)],
        ]
        for kind in kinds:
            self.notes.upsert(["a", "b"], kind)
            self.assertEqual([list(r.vector) for r in self.notes.get(["a", "b"])], [[1, 2], [3, 4]])
            self.notes.delete(["a", "b"])

    def test_wrong_shapes_and_numbers_are_refused(self):
        for vectors in ([[1, 2, 3]], [[1]], array.array("f", [1, 2, 3]), [[]]):
            with self.refused("dimension_mismatch"):
                self.notes.upsert(["a"], vectors)
        with self.refused("dimension_mismatch"):
            self.notes.upsert(["a", "b"], [[1, 2], [1, 2, 3]])
        for vectors in ([[1, 2], [3, 4]], []):
            with self.refused("invalid_argument"):
                self.notes.upsert(["a"], vectors)
        for number in (math.nan, math.inf):
            with self.refused("invalid_argument") as refused:
                self.notes.upsert(["a"], [[0, number]])
            self.assertIn('"a"', refused.error.message)
        with self.assertRaises(TypeError):
            self.notes.upsert(["a"], [["x", "y"]])
        with self.assertRaises(TypeError):
            self.notes.upsert("ab", [[1, 2], [3, 4]])
        self.assertEqual(self.notes.count(), 0)
        self.notes.upsert([], [])
        self.notes.upsert([], [], metadata=[], contents=[])

    def test_ids_and_texts_with_a_nul_are_refused_and_never_cut(self):
        with self.refused("invalid_argument"):
            self.notes.upsert(["a\0b"], [[1, 2]])
        with self.refused("invalid_argument"):
            self.notes.upsert(["a"], [[1, 2]], contents=["b\0c"])
        with self.refused("invalid_argument"):
            self.notes.upsert(["a"], [[1, 2]], metadata=[{"b": "c\0"}])
        with self.refused("invalid_argument"):
            self.store.collection("notes\0")
        self.assertEqual(self.notes.count(), 0)
        with self.assertRaises(UnicodeEncodeError):
            self.notes.upsert(["\ud800"], [[1, 2]])

    def test_metadata_that_is_no_json_is_refused(self):
        with self.assertRaises(ValueError):
            self.notes.upsert(["a"], [[1, 2]], metadata=[{"n": math.nan}])
        with self.assertRaises(TypeError):
            self.notes.upsert(["a"], [[1, 2]], metadata=[{"n": object()}])
        with self.refused("invalid_argument") as refused:
            self.notes.upsert(["a"], [[1, 2]], metadata=[[1]])
        self.assertIn('record "a"', refused.error.message)

    @unittest.skipIf(WITHOUT_NUMPY, "without numpy")
    def test_every_array_of_numpy_is_a_vector(self):
        exact = numpy.arange(4, dtype=numpy.float32).reshape(2, 2)
        kinds = [
            exact, exact.astype(numpy.float64), exact.astype(numpy.int8), numpy.asfortranarray(exact),
            numpy.repeat(exact, 2, axis=0)[::2], list(exact), exact.ravel(), exact.tolist(),
            exact.astype(">f4"),
        ]
        for kind in kinds:
            self.notes.upsert(["a", "b"], kind)
            self.assertEqual([list(r.vector) for r in self.notes.get(["a", "b"])], [[0, 1], [2, 3]])
            self.notes.delete(["a", "b"])
        with self.assertRaises(ValueError):
            self.notes.upsert(["a"], numpy.zeros((1, 1, 2), numpy.float32))
        self.assertEqual(self.notes.search(numpy.zeros(2, numpy.float32)).ids, [[]])

    @unittest.skipIf(WITHOUT_NUMPY, "without numpy")
    def test_a_contiguous_array_of_float32_is_read_where_it_lies(self):
        vectors = numpy.zeros((100, 2), numpy.float32)
        self.assertEqual(roost._Floats(vectors).address, vectors.ctypes.data)
        self.assertEqual(roost._Floats(vectors[10:]).address, vectors[10:].ctypes.data)
        flat = array.array("f", [0, 1])
        self.assertEqual(roost._Floats(flat).address, flat.buffer_info()[0])


class Searching(Case):
    def test_hits_are_what_they_should_be(self):
        self.fill()
        hits = self.notes.search([3.25, 0], k=3, filter={"lt": ["number", 9]})
        self.assertEqual(len(hits), 1)
        self.assertEqual(hits.ids, [["3", "4", "2"]])
        self.assertEqual([float(d) for d in hits.distances[0]], [0.25, 0.75, 1.25])
        first = hits[0][0]
        self.assertEqual((first.id, first.distance, first.metadata), ("3", 0.25, {"number": 3}))
        self.assertEqual((first.score, first.content, first.vector), (1 / 1.25, None, None))
        self.assertEqual(hits[-1][1].content, "note 4")
        with self.assertRaises(IndexError):
            hits[1]
        self.assertEqual([len(row) for row in hits], [3])
        self.assertEqual(hits.explain()["hits"], 3)

    def test_several_queries_are_answered_in_their_order(self):
        self.fill()
        hits = self.notes.search([[0, 0], [9, 0], [5, 0]], k=1)
        self.assertEqual(hits.ids, [["0"], ["9"], ["5"]])
        self.assertEqual([[hit.id for hit in row] for row in hits[1:]], [["9"], ["5"]])
        few = self.notes.search([[0, 0], [5, 0]], k=3, threshold=1.0)
        self.assertEqual(few.ids, [["0", "1"], ["5", "4", "6"]])
        rows = [[float(d) for d in row if not math.isnan(d)] for row in few.distances]
        self.assertEqual(rows, [[0, 1], [0, 1, 1]])
        self.assertEqual(self.notes.search([[0, 0], [5, 0]], k=3, threshold=-1).ids, [[], []])
        self.assertEqual(self.notes.search([], k=3).ids, [])

    @unittest.skipIf(WITHOUT_NUMPY, "without numpy")
    def test_distances_outlive_their_hits_and_cannot_be_written_to(self):
        self.fill(100)
        # Little is copied, and much is lent.
        for queries in (1, 3, 200):
            for _ in range(50):
                hits = self.notes.search(numpy.zeros((queries, 2), numpy.float32), k=20)
                distances, ids = hits.distances, hits.ids
                del hits
                gc.collect()
                self.assertEqual(distances.shape, (queries, 20))
                self.assertEqual(distances[-1].tolist(), list(range(20)))
                self.assertEqual(ids, [[str(number) for number in range(20)]] * queries)
            with self.assertRaises(ValueError):
                distances[0, 0] = 1

    def test_options_go_through_and_wrong_ones_are_refused(self):
        self.fill()
        bare = self.notes.search(
            [1, 0], k=1, projection={"vector": True, "metadata": False, "content": False})
        record = bare[0][0].record
        self.assertEqual((record.id, list(record.vector), record.metadata), ("1", [1, 0], None))
        with self.refused("invalid_argument"):
            self.notes.search([1, 0], surprise=True)
        with self.refused("invalid_argument"):
            self.notes.search([1, 0], k=0)
        with self.refused("too_large"):
            self.notes.search([1, 0], k=1 << 62)
        with self.refused("invalid_argument"):
            self.notes.search([1, 0], k=-1)
        with self.refused("invalid_filter"):
            self.notes.search([1, 0], filter={"and": []})
        with self.refused("dimension_mismatch"):
            self.notes.search([1, 0, 0])

    def test_threads_search_while_one_writes(self):
        self.fill(200)
        failures = []

        def search():
            try:
                for _ in range(50):
                    hits = self.notes.search([[1, 0], [50, 0]], k=5)
                    assert [len(row) for row in hits.ids] == [5, 5]
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=search) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            self.fill(200)
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


class Maintaining(Case):
    def test_backup_restore_and_check(self):
        self.fill(50)
        told = []
        self.store.backup(self.folder / "backup", progress=lambda *facts: told.append(facts))
        self.assertEqual((told[0][0], told[-1][0]), (0, told[-1][1]))
        roost.restore(self.folder / "backup", self.folder / "copy")
        report = roost.check(self.folder / "copy", full=True)
        self.assertEqual((report["ok"], report["records"]), (True, 50))
        self.assertTrue(self.store.check()["ok"])
        self.assertEqual(self.store.statistics()["records"], 50)
        self.assertEqual(self.store.health()["state"], "healthy")
        self.store.checkpoint()
        self.store.compact(progress=lambda *_: None)
        self.notes.ensure_index({"vector": {"method": "ivfflat", "name": "near"}})
        self.notes.ensure_index()
        self.notes.drop_index("near")

    def test_an_index_is_of_the_quantization_that_is_asked_for(self):
        self.fill(50)
        for quantization in ("none", "sq8", "sq4", "rabitq", "auto"):
            self.notes.ensure_index({"vector": {"name": "near", "quantization": quantization}})
            (collection,) = self.store.statistics()["collections"]
            (index,) = collection["indexes"]
            self.assertEqual(index["spec"]["vector"]["quantization"], quantization)
        with self.refused("schema_mismatch") as refusal:
            self.notes.ensure_index({"vector": {"name": "near", "quantization": "sq5"}})
        self.assertIn("auto, none, sq8, sq4 or rabitq", refusal.error.message)

    def test_a_callback_cancels_by_false_or_by_raising_what_comes_out(self):
        self.fill(50)
        with self.refused("cancelled"):
            self.store.backup(self.folder / "backup", progress=lambda *_: False)
        with self.assertRaises(KeyboardInterrupt):
            def interrupted(*_):
                raise KeyboardInterrupt

            self.store.compact(progress=interrupted)
        self.assertEqual(self.notes.count(), 50)

    def test_damage_is_reported_and_not_raised(self):
        self.fill(50)
        self.store.close()
        segment = next((self.folder / "store").glob("s-*.seg"))
        content = bytearray(segment.read_bytes())
        content[len(content) // 2] ^= 1
        segment.write_bytes(content)
        self.assertFalse(roost.check(self.folder / "store", full=True)["ok"])
        with self.refused("io"):
            roost.check(self.folder / "none")

    @unittest.skipUnless(hasattr(os, "fork"), "without fork")
    def test_a_forked_child_finds_everything_closed_and_harms_nothing(self):
        self.fill(3)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                self.notes.count()
            except roost.Error as error:
                code = 0 if error.code == "closed" else 2
            finally:
                os._exit(code)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        self.assertEqual(self.notes.count(), 3)

    def test_what_a_process_leaves_open_at_its_end_is_there_afterwards(self):
        program = (
            "import sys, roost\n"
            "store = roost.open(sys.argv[1])\n"
            "notes = store.ensure_collection('notes', 1)\n"
            "notes.upsert(['a'], [[1]])\n"
            "hits = notes.search([1])\n"
        )
        path = self.folder / "left"
        subprocess.run([sys.executable, "-c", program, str(path)], check=True)
        with roost.open(path) as store:
            self.assertEqual(store.collection("notes").count(), 1)

    def test_errors_can_be_sent_to_another_process(self):
        error = roost.Error("io", "found; expected. Remedy.", "cause")
        copy = pickle.loads(pickle.dumps(error))
        self.assertEqual((copy.code, copy.message, copy.cause), (error.code, error.message, "cause"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
