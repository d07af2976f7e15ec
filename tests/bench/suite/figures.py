"""What is made of the samples: medians with their quartiles, in each state of the machine apart."""

import statistics

from machine import States
from measure import FEW, GOOD


def summary(values):
    low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return {"median": statistics.median(values), "low": low, "high": high, "samples": len(values)}


def of(cells, least=GOOD):
    """(States, [a row for each contestant, workload, state and figure])."""
    kept = [(cell, sample, statistics.mean(sample["line"])) for cell in cells for sample in cell.kept]
    states = States([unit for _, _, unit in kept] or [1.0])
    rows = []
    for cell in cells:
        enough = min(least, FEW) if cell.workload.alone else least
        common = {
            "workload": cell.workload.key,
            "contestant": cell.contestant.key,
            "mode": cell.mode,
            "pauses": cell.pauses,
            "count": cell.count,
            "trouble": cell.trouble,
            "dropped": len(cell.samples) - len(cell.kept),
        }
        found = False
        for state in range(len(states.units)):
            samples = [sample for owner, sample, unit in kept if owner is cell and states.state(unit) == state]
            for name in dict.fromkeys(name for sample in samples for name in sample if name != "line"):
                found = True
                numbers = summary([sample[name] for sample in samples if name in sample])
                status = "ok" if numbers["samples"] >= enough else "unstable"
                rows.append({**common, "state": state, "figure": name, **numbers, "status": status})
        if cell.trouble and (not found or not cell.trouble.startswith("once")):
            rows.append({**common, "state": None, "figure": None, "samples": 0, "status": cell.trouble})
        elif not found:
            rows.append({**common, "state": None, "figure": None, "samples": 0, "status": "unstable"})
    return states, rows


class Table:
    """Looks figures up in one state."""

    def __init__(self, rows, state):
        self.rows = {(r["workload"], r["contestant"], r["figure"]): r for r in rows if r["state"] == state}
        self.troubles = {(r["workload"], r["contestant"]): r["status"] for r in rows if r["figure"] is None}

    def row(self, workload, contestant, figure="ns"):
        return self.rows.get((workload, contestant, figure))

    def value(self, workload, contestant, figure="ns"):
        row = self.row(workload, contestant, figure)
        return row["median"] if row else None

    def trouble(self, workload, contestant):
        return self.troubles.get((workload, contestant))
