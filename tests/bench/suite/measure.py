"""Rounds of samples: each round has every contestant at every workload, and the machine's unit before and after each.

A contestant that stalls or spoils a message is not asked again for that workload. Knows nothing of what is made of the
samples.
"""

import random
import time
from dataclasses import dataclass, field

from machine import steady
from processes import Fault, Sample, Stalled
from workloads import Wrong, figures, mode_of, roles

GOOD = 9  # samples, at least, or the figure is unstable
PAUSES = (1, 4, 16, 64)  # between two polls: each contestant has those that suit it best
PATIENCE = 3.0  # seconds for a sample, beyond what it should take
FEW = 3  # samples of what hardly changes


@dataclass
class Cell:
    """A contestant at a workload."""

    contestant: object
    workload: object
    mode: str
    tuned: bool = False
    count: int = 1000
    pauses: int = 1
    interval: int = 1000
    samples: list = field(default_factory=list)  # of {"line": (before, after), figure: value}
    trouble: str = ""  # why it is not asked any more

    @property
    def kept(self):
        return [sample for sample in self.samples if steady(*sample["line"])]


class Meter:
    def __init__(self, places, line, patience, milliseconds, processors, quick, say):
        self.places, self.line, self.patience, self.quick = places, line, patience, quick
        self.target, self.processors, self.say = milliseconds * 1e6, processors, say

    def sample(self, cell, count=None, pauses=None):
        """One sample; the figures. Stalled, Fault or Wrong if there is none."""
        count, pauses = count or cell.count, pauses or cell.pauses
        place = self.places.new()
        (place / "received").touch()
        commands = [
            [*cell.contestant.command, role, f"place={place}", *(f"{k}={v}" for k, v in arguments.items())]
            for role, arguments in roles(cell.workload, cell.mode, count, pauses, cell.interval, self.processors)
        ]
        clean = True
        try:
            expected = count * (cell.interval if cell.workload.kind in ("latency", "wake") else 0) / 1e9
            slow = 5 if cell.contestant.abilities.get("slow") else 1  # it takes seconds to start
            with Sample(commands, self.patience * slow * (PATIENCE + expected)) as sample:
                reports = sample.results()
            clean = False
            took = None
            if (place / "took").exists():
                import numpy

                took = numpy.fromfile(place / "took", dtype="uint32")
            return figures(cell.workload, reports, took)
        finally:
            if clean:
                self._clean(cell, place)
            for path in place.rglob("*"):
                if not path.is_dir():
                    path.unlink()

    @staticmethod
    def _clean(cell, place):
        """What a killed sample left elsewhere."""
        if not cell.contestant.abilities.get("cleans", True):
            return
        try:
            with Sample([[*cell.contestant.command, "clean", f"place={place}"]], 5) as sample:
                sample.workers[0].process.wait(5)
        except Exception:
            pass

    def tune(self, cell, halves, thorough=True):
        """How many messages fill a sample, and which pauses suit."""
        workload, cell.tuned = cell.workload, True
        if cell.contestant.abilities.get("slow"):
            cell.count = 20_000 if workload.kind == "trip" else min(200_000, (256 << 20) // workload.size)
            return
        if workload.kind == "latency":
            cell.interval = 1000 if workload.rate == "steady" else max(50, round(2 * halves[cell.contestant.key]))
            cell.count = max(2000, int(2 * self.target / cell.interval))
            return
        if workload.kind == "wake":
            cell.interval, cell.count = 200000, workload.count
            return
        if workload.count:
            cell.count = workload.count
            return
        if workload.kind == "idle":
            return
        if workload.kind in ("stream", "alone") and cell.mode != "wait":
            cell.count = 20_000
        for _ in range(3):
            ns = self.sample(cell)["ns"]
            enough = min(50_000_000, max(100, int(self.target / ns)))
            if cell.count >= enough / 2:
                break
            cell.count = min(enough, cell.count * 50)
        if workload.tuned and cell.mode != "wait" and thorough:
            tries, among = (1, PAUSES[::2]) if self.quick else (2, PAUSES)
            times = {pauses: min(self.sample(cell, pauses=pauses)["ns"] for _ in range(tries)) for pauses in among}
            cell.pauses = min(times, key=times.get)
            cell.count = max(100, int(self.target / times[cell.pauses]))

    def try_(self, cell, what):
        """what(cell), or note why it did not go. A stall counts at once when it is the second one."""
        try:
            return what(cell)
        except Stalled as stalled:
            if cell.trouble.startswith("once") or not cell.samples:
                cell.trouble = f"stalled: {stalled}"
            else:
                cell.samples.append({"line": (1.0, 9.0), "trouble": "stalled"})
                cell.trouble = "once stalled"
        except (Fault, Wrong) as fault:
            text = str(fault)
            cell.trouble = text if text.startswith("wrong contents") else f"failed: {text}"
        return None


def stopped(cell):
    return cell.trouble and not cell.trouble.startswith("once")


def cells(contestants, workloads, quick=False):
    made = []
    for workload in workloads:
        for contestant in contestants:
            mode = mode_of(workload, contestant.abilities, quick) if not contestant.reason else None
            if mode:
                made.append(Cell(contestant, workload, mode))
    return made


def rounds(meter, all_cells, seconds, least=GOOD, most=0, seed=1):
    """Sample until each cell has `least` good ones, or the time is over, or `most` rounds were."""
    begin, random_ = time.monotonic(), random.Random(seed)
    end = begin + seconds
    halves = {}
    for cell in all_cells:
        if cell.workload.rate == "half" and cell.contestant.key not in halves:
            twin = Cell(cell.contestant, cell.workload, cell.mode)
            twin.interval, twin.count, twin.tuned = 0, 100_000, True
            got = meter.try_(twin, lambda c: min((meter.sample(c) for _ in range(3)), key=lambda took: took["ns"]))
            if not got:
                cell.trouble = f"its capacity could not be measured: {twin.trouble}"
                continue
            halves[cell.contestant.key] = got["ns"]
    for cell in all_cells:
        if not stopped(cell) and not cell.tuned:
            spent = (time.monotonic() - begin) / seconds
            if spent > 0.6:
                cell.trouble = "failed: no time was left for it"
                continue
            meter.say(f"tuning {cell.contestant.name}, {cell.workload.title}")
            meter.try_(cell, lambda c, hurry=spent >= 0.4: meter.tune(c, halves, not hurry))
    number, lacking = 0, lambda cell: len(cell.kept) < (min(least, FEW) if cell.workload.alone else least)
    while time.monotonic() < end and (not most or number < most):
        left = [cell for cell in all_cells if lacking(cell) and not stopped(cell)]
        if not left:
            break
        number += 1
        meter.say(f"round {number}: {len(left)} of {len(all_cells)}, {max(0, end - time.monotonic()):.0f} s left")
        by_workload = {}
        for cell in left:
            by_workload.setdefault(cell.workload.key, []).append(cell)
        for group in by_workload.values():
            random_.shuffle(group)
            before = meter.line.measure()
            for cell in group:
                if time.monotonic() >= end:
                    return number
                got = meter.try_(cell, meter.sample)
                after = meter.line.measure()
                if got:
                    if cell.workload.kind == "trip":
                        got["lines"] = got["ns"] / ((before + after) / 2)
                    cell.samples.append({"line": (before, after), **got})
                before = after
    return number

