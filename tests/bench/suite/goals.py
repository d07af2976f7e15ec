"""The goals, and whether they are met. Ratios are the rival's time over cqueue's: above 1, cqueue is ahead."""

from dataclasses import dataclass

OURS = "cqueue"


@dataclass(frozen=True)
class Goal:
    title: str
    workload: str
    at_least: float = 0  # rival's figure / ours
    at_most: float = 0  # ours, in `unit`; or ours / rival's if there is one
    rival: str = ""
    rival_workload: str = ""
    figure: str = "ns"
    rival_figure: str = ""
    unit: str = ""
    scale: float = 1


def _all():
    for size in (8, 56, 248):
        for factor, rival in (
            (1.0, "vyukov"),
            (1.2, "subetha"),
            (1.2, "aeron"),
            (4, "cloudtoid"),
            (10, "iceoryx2"),
            (6, "seed"),
        ):
            yield Goal(f"1P1C {size} B", f"1p1c-{size}", factor, rival=rival)
    for size in (4096, 65536):
        yield Goal(f"1P1C {size} B", f"1p1c-{size}", 0.9, rival="raw")
        yield Goal(f"1P1C {size} B", f"1p1c-{size}", 1.0, rival="tachyon")
        yield Goal(f"1P1C {size} B in place", f"1p1c-{size}-place", 0.8, rival="raw")
        yield Goal(f"1P1C {size} B in place", f"1p1c-{size}-place", 3, rival="iceoryx2")
    for size in (8, 56):
        for rival in ("rte_ring", "shaq"):
            yield Goal(f"batches of 32, {size} B", f"batch32-{size}", 1.0, rival=rival)
    for pair in ("2p2c", "4p4c", "8p8c"):
        for size in (8, 56):
            yield Goal(f"{pair.upper()} {size} B", f"{pair}-{size}", 1.0, rival="vyukov")
    yield Goal("one thread, in and out, 8 B (12 ns where the ring takes 9.7)", "alone-8", 0.81, rival="vyukov")
    yield Goal("ping-pong, spinning", "trip-poll", at_most=1.0, figure="lines", unit="lines")
    yield Goal("ping-pong, waiting", "trip-wait", at_most=1.5, figure="lines", unit="lines")
    yield Goal("ping-pong, waiting", "trip-wait", 1.0, rival="shaq", rival_workload="trip-poll")
    yield Goal("a real wake", "wake", at_most=1.1, rival="futex")
    for rate, title in (("steady", "10^6 messages a second"), ("half", "half of capacity")):
        for point, name in (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9")):
            yield Goal(f"{title}, {name}", f"latency-{rate}", at_most=1.0, rival="rte_ring", figure=point)
    yield Goal(
        "first use of memory, a backlog of 10^5",
        "backlog-100000",
        at_most=2.0,
        rival=OURS,
        figure="first_ns",
        rival_figure="again_ns",
    )
    yield Goal("an empty queue's memory", "idle", at_most=64, figure="bytes", unit="KiB", scale=1024)
    yield Goal("open and close", "reopen", at_most=50, figure="us", unit="us")


ALL = tuple(_all())


def evaluate(table, names, goals=ALL):
    """[{goal, value, status, text}] in the machine's state that `table` is of. names: {key: name} of who was asked."""
    made = []
    for goal in goals:
        ours = table.value(goal.workload, OURS, goal.figure)
        where = goal.rival_workload or goal.workload
        theirs = table.value(where, goal.rival, goal.rival_figure or goal.figure) if goal.rival else goal.scale
        rival = "its steady cost" if goal.rival == OURS else names.get(goal.rival, goal.rival)
        if goal.at_least:
            wanted = f">= {goal.at_least:g} x {rival}"
        elif goal.rival:
            wanted = f"<= {goal.at_most:g} x {rival}"
        else:
            wanted = f"<= {goal.at_most:g} {goal.unit}"
        if ours is None or theirs is None:
            who, at = (goal.rival, where) if ours is not None else (OURS, goal.workload)
            why = table.trouble(at, who) or ("took no part" if who not in names else "not measured")
            value, status, shown = None, "not measured", f"not measured ({names.get(who, who)}: {why})"
        else:
            value = theirs / ours if goal.at_least else ours / theirs
            met = value >= goal.at_least if goal.at_least else value <= goal.at_most
            rows = [table.row(goal.workload, OURS, goal.figure)]
            if goal.rival:
                rows.append(table.row(where, goal.rival, goal.rival_figure or goal.figure))
            sure = all(row["status"] == "ok" for row in rows)
            status = "unstable" if not sure else "met" if met else "not met"
            shown = f"{value:.2f}, {'met' if met else 'not met'}" + ("" if sure else ", unstable")
        made.append(
            {
                "goal": goal.title,
                "wanted": wanted,
                "value": value,
                "status": status,
                "text": f"{goal.title}: goal {wanted}: {shown}",
            }
        )
    return made
