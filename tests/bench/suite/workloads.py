"""The workloads: what each consists of, for whom it is, and how reports become figures.

Every figure is better the smaller it is. Knows nothing of any one contestant.
"""

import statistics
from dataclasses import dataclass

PERCENTILES = (50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99)
CAPACITY = 4096


@dataclass(frozen=True)
class Workload:
    key: str
    kind: str  # a function of this file: stream, alone, trip, wake, latency, idle, backlog, reopen or many
    title: str
    size: int = 56
    producers: int = 1
    consumers: int = 1
    batch: int = 1
    mode: str = "auto"  # poll where it can, else wait; or one of "poll", "wait", "place"
    count: int = 0  # messages; 0: as many as fill the time of a sample
    rate: str = ""  # of latency: "steady" or "half"
    quick: bool = False
    alone: bool = False  # takes part in few rounds: what it counts hardly changes

    @property
    def tuned(self):
        return self.kind == "stream"


def _all():
    for size in (8, 56, 248, 4096, 65536):
        yield Workload(f"1p1c-{size}", "stream", f"1P1C {size} B", size, quick=size in (8, 56, 4096))
    for size in (4096, 65536):
        yield Workload(f"1p1c-{size}-place", "stream", f"1P1C {size} B in place", size, mode="place")
    for producers, consumers in ((2, 2), (4, 4), (8, 8), (4, 1), (1, 4)):
        for size in (8, 56):
            yield Workload(
                f"{producers}p{consumers}c-{size}",
                "stream",
                f"{producers}P{consumers}C {size} B",
                size,
                producers,
                consumers,
                quick=(producers, consumers, size) == (4, 4, 56),
            )
    for batch in (8, 32, 128):
        for size in (8, 56):
            yield Workload(
                f"batch{batch}-{size}",
                "stream",
                f"batches of {batch}, {size} B",
                size,
                batch=batch,
                quick=(batch, size) == (32, 56),
            )
    yield Workload("alone-8", "alone", "one thread, in and out, 8 B", 8, quick=True)
    yield Workload("alone-56", "alone", "one thread, in and out, 56 B")
    yield Workload("trip-poll", "trip", "ping-pong, spinning", mode="poll", quick=True)
    yield Workload("trip-wait", "trip", "ping-pong, waiting", mode="wait", quick=True)
    yield Workload("wake", "wake", "a real wake", mode="wait", count=100)
    yield Workload("latency-steady", "latency", "10^6 messages a second", mode="poll", rate="steady")
    yield Workload("latency-half", "latency", "half of capacity", mode="poll", rate="half", quick=True)
    yield Workload("idle", "idle", "an empty queue of 4,096", alone=True, quick=True)
    for power in range(2, 7):
        yield Workload(
            f"backlog-{10**power}", "backlog", f"a backlog of 10^{power}", count=10**power, alone=True, quick=power == 4
        )
    yield Workload("reopen", "reopen", "open and close", count=50, quick=True)
    yield Workload("many", "many", "1,000 queues in one process", batch=1000, count=10, alone=True)


ALL = tuple(_all())


def mode_of(workload, abilities, quick=False):
    """How this contestant does it: "poll", "wait" or "place"; None if it cannot."""
    one_call = "poll" if abilities["poll"] else "wait"
    mode = one_call if workload.mode == "auto" else workload.mode
    most = abilities["max_size"]
    enough = all(
        not abilities[side] or getattr(workload, side) <= abilities[side] for side in ("producers", "consumers")
    )
    if not abilities[mode] or (most and workload.size > most) or not enough:
        return None
    if workload.kind in ("latency", "backlog", "many", "alone") and mode != "poll":
        return None
    if mode == "wait" and workload.consumers > 1:  # nobody tells the sleepers that no more will come
        return None
    if workload.kind in abilities.get("cannot", ()):
        return None
    if quick and abilities.get("slow") and workload.key != "1p1c-56":
        return None
    if workload.kind == "stream" and workload.batch > 1 and not (abilities["batch"] and mode == "poll"):
        return None
    return mode


def roles(workload, mode, count, pauses, interval, processors):
    """The workers' arguments, in order; the first makes the queues."""
    capacity = 1 << 20 if workload.kind == "backlog" else CAPACITY
    common = {
        "size": workload.size,
        "capacity": capacity,
        "producers": workload.producers,
        "consumers": workload.consumers,
        "batch": workload.batch,
        "mode": mode,
        "pauses": pauses,
    }
    pairs = {"trip": ("ping", "pong"), "wake": ("ring", "wake"), "latency": ("pace", "observe")}
    if workload.kind in pairs:
        if workload.kind != "trip":
            common["interval"] = interval
        made = [(role, {**common, "count": count}) for role in pairs[workload.kind]]
    elif workload.kind == "stream":
        each = max(1, count // workload.producers)
        made = [("produce", {**common, "index": i, "count": each}) for i in range(workload.producers)]
        made += [
            ("consume", {**common, "index": i, "count": each * workload.producers}) for i in range(workload.consumers)
        ]
    else:
        made = [(workload.kind, {**common, "count": count})]
    # Two have a processor each. More of them, or of processors' owners, are left to the system.
    if len(made) == 2 and processors >= 2:
        for processor, (_, arguments) in enumerate(made):
            arguments["processor"] = processor
    made[0][1]["make"] = 1
    return made


class Wrong(Exception):
    """What the reports say cannot be."""


def figures(workload, reports, took):
    """{figure: value} of a sample's reports. took: the nanoseconds of each message, where they were recorded."""
    begin = min((report["begin"] for report in reports if "begin" in report), default=0)
    end = max((report["end"] for report in reports if "end" in report), default=0)
    if workload.kind == "stream":
        producers, consumers = reports[: workload.producers], reports[workload.producers :]
        for what in ("count", "sum"):
            if sum(r[what] for r in producers) != sum(r[what] for r in consumers):
                raise Wrong("wrong contents: what was received is not what was sent")
        return {"ns": (end - begin) / sum(report["count"] for report in producers)}
    if workload.kind == "alone":
        return {"ns": (end - begin) / reports[0]["count"]}
    if workload.kind == "trip":
        return {"ns": (reports[0]["end"] - reports[0]["begin"]) / reports[0]["count"]}
    if workload.kind == "wake":
        return {"ns": statistics.median(took)}
    if workload.kind == "latency":
        return {"ns": (end - begin) / reports[0]["count"], **percentiles(took)}
    if workload.kind == "reopen":
        return {"us": (end - begin) / reports[0]["count"] / 1000}
    report = reports[0]
    known = {
        "first": "first_ns",
        "again": "again_ns",
        "open": "open_ns",
        "message": "ns",
        "memory": "bytes",
        "resident": "resident_bytes",
    }
    return {known[key]: value for key, value in report.items() if key != "memory" or value > 0}


def percentiles(took):
    """By an HDR histogram; the first twentieth, in which all warms up, is left out."""
    import numpy
    from hdrh.histogram import HdrHistogram

    histogram = HdrHistogram(1, 2**32, 3)
    for value, count in zip(*numpy.unique(took[len(took) // 20 :], return_counts=True), strict=True):
        histogram.record_value(max(1, int(value)), int(count))
    return {f"p{str(point).replace('.', '')}": histogram.get_value_at_percentile(point) for point in PERCENTILES}
