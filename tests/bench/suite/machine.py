"""The machine: what it is, its unit of time (a cache line's way to another core and back), and its states.

A virtual machine's processors may share a core now and not the next minute: then the unit changes several times over.
Such states are told apart, and figures of one are never mixed with another's.
"""

import datetime
import math
import os
import platform
import re
import statistics
from pathlib import Path

from processes import Stalled, start

import subprocess

DIFFERENCE = 1.25  # between before and after, that a sample may have
GAP = 1.6  # between the units of two states, at least
SHARE = 0.05  # of all samples, that a state has at least


class Line:
    """Measures the unit."""

    def __init__(self, program, trips=400):
        self.command, self.trips = program, trips

    def measure(self):
        with start([self.command, self.trips], stdout=subprocess.PIPE, text=True) as process:
            try:
                return float(process.communicate(timeout=30)[0])
            except subprocess.TimeoutExpired:
                process.kill()
                raise Stalled("the line was not measured in 30 s") from None


def steady(before, after):
    return max(before, after) <= DIFFERENCE * min(before, after)


class States:
    """Splits the units of all samples where they leave a gap. state(unit) is 0 for the quickest."""

    def __init__(self, units):
        units = sorted(units)
        least = max(1, math.ceil(SHARE * len(units)))
        self.bounds, begin = [], 0
        for i in range(1, len(units)):
            if units[i] >= GAP * units[i - 1] and i - begin >= least and len(units) - i >= least:
                self.bounds.append(math.sqrt(units[i] * units[i - 1]))
                begin = i
        counts = [0] * (len(self.bounds) + 1)
        members = [[] for _ in counts]
        for unit in units:
            members[self.state(unit)].append(unit)
        self.units = [statistics.median(units) if units else math.nan for units in members]
        self.samples = [len(units) for units in members]
        self.main = max(range(len(self.samples)), key=self.samples.__getitem__)

    def state(self, unit):
        return sum(unit > bound for bound in self.bounds)


def describe():
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.M)
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": model.group(1).strip() if model else platform.machine(),
        "processors": os.cpu_count(),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "load": round(os.getloadavg()[0], 1),
        "priority": os.nice(0),
    }
