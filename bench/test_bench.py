"""Tests of the suite itself: `python3 -m unittest discover bench`."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True
import cases
import figures
import generate
import relay


class Flights(unittest.TestCase):
    def count(self, *events):
        """Round trips after the handshake of a connection of 1 s; an event is (time, "up" or "down")."""
        total = relay.Count()
        flights = relay.Flights(total, 1.0, 0.0)
        for now, way in events:
            if way == "up":
                flights.sent(now)
            else:
                flights.received()
        return total.round_trips - 1

    def test_what_is_sent_at_once_is_one(self):
        self.assertEqual(self.count((1.0, "up"), (1.1, "up"), (1.9, "up")), 1)

    def test_each_answer_that_was_waited_for_is_one(self):
        self.assertEqual(self.count((1.0, "up"), (2.0, "down"), (2.0, "up"), (3.0, "down"), (3.1, "up")), 3)

    def test_answers_to_what_is_under_way_are_none(self):
        self.assertEqual(self.count((1.0, "up"), (1.2, "down"), (1.3, "up"), (1.5, "down"), (1.6, "up")), 1)

    def test_silence_from_the_host_is_none(self):
        self.assertEqual(self.count((1.0, "up"), (5.0, "up"), (9.0, "up")), 1)


class Results(unittest.TestCase):
    def result(self, **seconds):
        result = figures.Result("case", "a case")
        for name, times in seconds.items():
            for time in times:
                result.add(name, {"seconds": time, "cpu": time / 2, "memory": 1 << 20})
        return result

    def test_medians_decide(self):
        result = self.result(kplay=[1, 2, 9], mitogen=[30, 20, 10])
        result.judge([cases.Times(10, "mitogen"), cases.Times(11, "mitogen"), cases.Within(0.1, "mitogen")])
        self.assertEqual([(reached, enough) for _, reached, enough in result.targets], [(10, True), (10, False), (0.1, True)])

    def test_a_tool_that_failed_counts_for_nothing(self):
        result = self.result(kplay=[1], mitogen=[30])
        result.failures["mitogen"] = "it did something else"
        result.judge([cases.Times(10, "mitogen")])
        self.assertIsNone(result.targets[0][1])
        self.assertFalse(result.targets[0][2])
        self.assertIn("mitogen failed: it did something else", figures.text(result))

    def test_bounds_are_in_their_unit(self):
        result = self.result(kplay=[0.014])
        result.judge([cases.AtMost(15, "ms", scale=1000), cases.AtMost(0.5, "MiB", "memory", cases.MEBIBYTES)])
        self.assertEqual([enough for _, _, enough in result.targets], [True, False])

    def test_results_survive_their_file(self):
        result = self.result(kplay=[1, 2], pyinfra=[3])
        result.about = {"measured": "today"}
        result.judge([cases.Times(1, "pyinfra")])
        with tempfile.TemporaryDirectory() as directory:
            figures.Store(Path(directory), {"CPU": "one"}, ["case"]).add(result)
            again = figures.Store(Path(directory), {"CPU": "one"}, ["case"])
            self.assertEqual(again.results["case"].as_data(), result.as_data())
            self.assertEqual(figures.Store(Path(directory), {"CPU": "two"}, ["case"]).results, {})


class Table(unittest.TestCase):
    def test_names_are_unique(self):
        self.assertEqual(len(cases.BY_NAME), len(cases.CASES))

    def test_every_playbook_and_deploy_is_there(self):
        with tempfile.TemporaryDirectory() as directory:
            for case in cases.CASES:
                if case.name == "big-file":  # a gibibyte
                    continue
                work = case.work(Path(directory))
                self.assertTrue(work.playbook is None or work.playbook.exists(), case.name)
                if "pyinfra" in case.tools:
                    self.assertTrue(work.deploy.exists(), case.name)

    def test_targets_name_who_takes_part(self):
        for case in cases.CASES:
            if case.name == "big-file":
                continue
            with tempfile.TemporaryDirectory() as directory:
                floors = [floor.name for floor in case.work(Path(directory)).floors]
            for target in case.targets:
                self.assertIn(getattr(target, "peer", "kplay"), [*case.tools, *floors], case.name)

    def test_the_long_role_has_its_tasks(self):
        with tempfile.TemporaryDirectory() as directory:
            tasks = generate.role(Path(directory) / "role", 200).parent / "roles" / "long" / "tasks"
            self.assertEqual(sum(file.read_text().count("- name: ") for file in tasks.iterdir()), 200)


if __name__ == "__main__":
    unittest.main()
