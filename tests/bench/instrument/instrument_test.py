#!/usr/bin/env python3
"""instrument_test.py LIBRARY: does tests/bench/run measure what it says, and catch who stalls or spoils messages?

LIBRARY is an archive of cqueue that is built already.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUN = HERE.parent / "run"
sys.path.insert(0, str(HERE.parent / "suite"))

import figures  # noqa: E402
import goals  # noqa: E402
import languages  # noqa: E402
import machine  # noqa: E402
import measure  # noqa: E402
import workloads  # noqa: E402
from contestants import Contestant  # noqa: E402

LIBRARY = ""
LONG = 120  # seconds that only a hang reaches


def commands_with(word):
    """{process: its arguments} of all that have this word among them."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(word in argument for argument in arguments):
            found[int(path.parent.name)] = arguments
    return found


def until(condition, what):
    end = time.monotonic() + LONG
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not after {LONG} s")
        time.sleep(0.02)


class Runs(unittest.TestCase):
    """The whole instrument, with tiny rounds."""

    @classmethod
    def setUpClass(cls):
        cls.build = Path(tempfile.mkdtemp(prefix="cqueue-instrument-"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.build)

    def setUp(self):
        self.out = Path(tempfile.mkdtemp(prefix="out-", dir=self.build))

    def command(self, contestants, names, *more):
        return [
            RUN,
            "--no-install",
            "--library",
            LIBRARY,
            "--build",
            self.build / "bin",
            "--out",
            self.out,
            "--add",
            HERE / "contestants",
            "--contestants",
            contestants,
            "--workloads",
            names,
            "--rounds",
            "2",
            "--good",
            "1",
            "--sample-ms",
            "2",
            "--difference",
            "1000000",  # no sample is dropped, whatever the machine does
            *more,
        ]

    def run_(self, *arguments, **environment):
        done = subprocess.run(
            self.command(*arguments), env={**os.environ, **environment}, capture_output=True, text=True, timeout=LONG
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(commands_with(str(self.build / "bin")), {}, "processes are left")
        left = [path for path in Path("/dev/shm").glob("cqueue-bench-*") if not alive(path)]
        self.assertEqual(left, [], "files are left")
        return done, json.loads((self.out / "results.json").read_text())

    def test_results_table_and_pictures_come_out(self):
        keys = [
            "1p1c-8",
            "1p1c-4096-place",
            "2p2c-56",
            "batch8-56",
            "alone-8",
            "trip-poll",
            "trip-wait",
            "wake",
            "latency-half",
            "idle",
            "backlog-100",
            "reopen",
        ]
        done, results = self.run_("cqueue,vyukov", ",".join(keys), "--patience", "10")
        measured = {
            (row["workload"], row["contestant"]) for row in results["figures"] if row["samples"] > 0 or row["trouble"]
        }
        for key in keys:
            self.assertIn((key, "cqueue"), measured)
        self.assertEqual([row["trouble"] for row in results["figures"] if row["trouble"]], [])
        self.assertNotIn(("trip-wait", "vyukov"), measured)
        self.assertTrue(all(len(sample["line"]) == 2 for cell in results["samples"] for sample in cell["samples"]))
        text = (self.out / "results.md").read_text()
        for words in ("| cqueue |", "1P1C 8 B", "With a cache line's round trip of", "## Goals"):
            self.assertIn(words, text)
        self.assertRegex(done.stdout, r"(?m)^1P1C 8 B: goal >= 1 x Vyukov ring: \d+\.\d\d, (not )?met")
        for name in ("size", "crowd", "batch", "memory", "latency-half"):
            self.assertIn("<svg", (self.out / f"{name}.svg").read_text()[:1000])
            self.assertEqual((self.out / f"{name}.png").read_bytes()[:4], b"\x89PNG")

    def test_who_stalls_is_killed_and_reported(self):
        done, results = self.run_("cqueue,stalls", "1p1c-8", "--patience", "0.5")
        trouble = {row["contestant"]: row["trouble"] for row in results["figures"]}
        self.assertRegex(trouble["stalls"], "^stalled")
        self.assertEqual(trouble["cqueue"], "")
        self.assertIn("stalls, 1p1c-8: stalled", done.stderr)
        self.assertIn("| stalls | stalled |", (self.out / "results.md").read_text())

    def test_wrong_contents_are_caught(self):
        for fault in ("doubles", "tears", "spoils"):
            with self.subTest(fault):
                _, results = self.run_("spoils", "1p1c-56", "--patience", "2", CQ_SPOIL=fault)
                self.assertEqual([row["trouble"][:14] for row in results["figures"]], ["wrong contents"])
        with self.subTest("loses"):  # the consumer waits for a message that never comes
            _, results = self.run_("spoils", "1p1c-56", "--patience", "0.5", CQ_SPOIL="loses")
            self.assertTrue(results["figures"][0]["trouble"].startswith("stalled"))
        with self.subTest("nothing"):
            _, results = self.run_("spoils", "1p1c-56", "--patience", "10")
            self.assertEqual(results["figures"][0]["trouble"], "")

    def test_workers_die_with_their_parent(self):
        bin_ = str(self.build / "bin" / "stalls")
        with subprocess.Popen(
            self.command("stalls", "1p1c-8", "--patience", "1000"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as run:
            try:
                until(
                    lambda: len([a for a in commands_with(bin_).values() if "consume" in a or "produce" in a]) == 2,
                    "two workers run",
                )
            finally:
                run.kill()
        try:
            until(lambda: not commands_with(bin_), "the workers are gone")
        finally:
            for process in commands_with(bin_):
                os.kill(process, signal.SIGKILL)
            for place in Path("/dev/shm").glob("cqueue-bench-*"):
                if not alive(place):
                    shutil.rmtree(place)

    def test_what_a_command_started_dies_too(self):
        mark = f"{self.build.name}-sleeper"
        program = (
            f"import sys; sys.path.insert(0, {str(HERE.parent / 'suite')!r}); import processes; "
            f"processes.run(['sh', '-c', 'sh -c \"sleep 600 # {mark}\" & sleep 600 # {mark}'])"
        )
        with subprocess.Popen([sys.executable, "-B", "-c", program]) as run:
            try:
                until(lambda: len([a for a in commands_with(mark).values() if a[0] == "sh"]) >= 2, "the sleepers run")
            finally:
                run.kill()
        try:
            until(lambda: not commands_with(mark), "the sleepers are gone")
        finally:
            for process in commands_with(mark):
                os.kill(process, signal.SIGKILL)


def alive(place):
    return Path("/proc", place.name.rpartition("-")[2]).exists()


class Rules(unittest.TestCase):
    """What is made of samples."""

    def cell(self, key, samples, contestant="cqueue"):
        workload = next(w for w in workloads.ALL if w.key == key)
        return measure.Cell(Contestant(contestant, Path()), workload, "poll", samples=samples)

    def test_two_states_of_the_machine_are_never_averaged(self):
        near = [{"line": (115, 118), "ns": 30.0}] * 12
        far = [{"line": (500, 510), "ns": 90.0}] * 10
        states, rows = figures.of([self.cell("1p1c-8", near + far)])
        self.assertEqual([round(unit) for unit in states.units], [116, 505])
        self.assertEqual({row["state"]: row["median"] for row in rows}, {0: 30.0, 1: 90.0})
        self.assertEqual(states.main, 0)

    def test_a_sample_is_dropped_if_the_line_changed(self):
        samples = [{"line": (115, 115), "ns": 30.0}] * 9 + [{"line": (115, 150), "ns": 1000.0}] * 20
        _, (row,) = figures.of([self.cell("1p1c-8", samples)])
        self.assertEqual((row["samples"], row["dropped"], row["median"], row["status"]), (9, 20, 30.0, "ok"))

    def test_fewer_than_nine_samples_are_unstable(self):
        _, (row,) = figures.of([self.cell("1p1c-8", [{"line": (115, 115), "ns": 30.0}] * 8)])
        self.assertEqual(row["status"], "unstable")

    def test_goals_are_judged(self):
        cells = [
            self.cell("1p1c-8", [{"line": (115, 115), "ns": 50.0}] * 9),
            self.cell("1p1c-8", [{"line": (115, 115), "ns": 30.5}] * 9, "vyukov"),
            self.cell("idle", [{"line": (115, 115), "bytes": 65536}] * 9),
        ]
        states, rows = figures.of(cells)
        told = {
            g["text"]: g["status"]
            for g in goals.evaluate(figures.Table(rows, states.main), {"cqueue": "cqueue", "vyukov": "Vyukov ring"})
        }
        self.assertEqual(told["1P1C 8 B: goal >= 1 x Vyukov ring: 0.61, not met"], "not met")
        self.assertEqual(told["an empty queue's memory: goal <= 64 KiB: 64.00, met"], "met")
        self.assertEqual(told["1P1C 8 B: goal >= 1.2 x aeron: not measured (aeron: took no part)"], "not measured")

    def test_reports_of_the_languages_are_read(self):
        go = (
            "enqueue or dequeue (rival: C)   |     90.1 (80.6 to 117.8)     |     24.6 (22.6 to 25.1)      | 3.66\n"
            "an idle handle, of 200     | 21 KiB, 1.0 threads\n"
        )
        figures_, others = languages.read("go", go)
        self.assertEqual((figures_, len(others)), ({"single": 90.1, "single in C": 24.6}, 1))
        rust = (
            "56 B, C                            51.6 (51.6-51.6) ns\n"
            "ping-pong, take_wait               13.7 (13.7-13.7) us   27.64 x ping-pong, C\n"
        )
        self.assertEqual(languages.read("rust", rust)[0], {"single in C": 51.6, "there and back": 13700})
        python = "| put, get | 39 (39 to 39) | 1277 (1.28e+03 to 1.28e+03) | 1.5e+04 (1e+04 to 2e+04) |  |  |  |\n"
        self.assertEqual(
            languages.read("python", python)[0], {"single in C": 39, "single": 1277, "single, local rival": 15000}
        )
        java = "C: batches of 64                                 52.36  (52.36 to 52.36) ns a message\n"
        self.assertEqual(languages.read("java", java)[0], {"batch of 64 in C": 52.36})

    def test_percentiles_leave_out_nothing_but_the_beginning(self):
        import numpy

        took = numpy.concatenate([numpy.full(50, 10**9), numpy.full(940, 100), numpy.full(10, 5000)]).astype("uint32")
        shown = workloads.percentiles(took)
        self.assertEqual((shown["p50"], shown["p99"]), (100, 5003))


if __name__ == "__main__":
    python = subprocess.run([HERE.parent / "environment"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    if sys.executable != python:
        os.execv(python, [python, "-B", *sys.argv])
    LIBRARY = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
