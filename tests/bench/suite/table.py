"""The results as Markdown."""

import languages
from figures import Table
from workloads import ALL

UNITS = {"ns": "ns a message", "us": "us", "lines": "lines"}


def number(value):
    if value is None:
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(table, workload, contestant, figure="ns", scale=1):
    row = table.row(workload, contestant, figure)
    if row is None:
        trouble = table.trouble(workload, contestant)
        return trouble.partition(":")[0] if trouble else ""
    half = (row["high"] - row["low"]) / 2 / row["median"] * 100 if row["median"] else 0
    text = f"{number(row['median'] / scale)} ±{half:.0f} %"
    return text if row["status"] == "ok" else f"*{text}*"


def grid(head, lines):
    shown = [line for line in lines if any(line[1:])]
    keep = [i for i in range(len(head)) if i == 0 or any(line[i] for line in shown)]
    if not shown:
        return []
    return [
        "| " + " | ".join(head[i] for i in keep) + " |",
        "|" + "---|" * len(keep),
        *("| " + " | ".join(line[i] for i in keep) + " |" for line in shown),
        "",
    ]


def section(title, text, head, lines):
    made = grid(head, lines)
    return [f"### {title}", "", *([text, ""] if text else []), *made] if made else []


def state_tables(results, state):
    table = Table(results["figures"], state)
    who = [c for c in results["contestants"] if not c["reason"]]
    present = {row["workload"] for row in results["figures"]}
    of = lambda *kinds: [w for w in ALL if w.key in present and w.kind in kinds]

    def by(workloads, figure="ns", scale=1):
        return (
            ["", *(w.title for w in workloads)],
            [[c["name"], *(cell(table, w.key, c["key"], figure, scale) for w in workloads)] for c in who],
        )

    streams = of("stream")
    out = []
    out += section(
        "One producer, one consumer: ns a message", "", *by([w for w in streams if w.key.startswith("1p1c")])
    )
    out += section(
        "Several producers and consumers: ns a message", "", *by([w for w in streams if w.producers + w.consumers > 2])
    )
    out += section("Batches: ns a message", "", *by([w for w in streams if w.batch > 1]))
    out += section("One thread: ns a message in and out", "", *by(of("alone")))
    out += section("There and back: ns", "", *by(of("trip", "wake")))
    out += section("There and back: lines", "", *by(of("trip"), "lines"))
    points = (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"))
    latency = of("latency")
    out += section(
        "Latency at a steady rate: ns from when a message was due",
        "",
        ["", *(f"{w.title}, {shown}" for w in latency for _, shown in points)],
        [[c["name"], *(cell(table, w.key, c["key"], point) for w in latency for point, _ in points)] for c in who],
    )
    out += section("Memory: KiB", "", *by(of("idle", "backlog"), "bytes", 1024))
    backlog = of("backlog")
    out += section(
        "A backlog grows: ns a message, the first time and again",
        "",
        ["", *(f"{w.title}, {shown}" for w in backlog for shown in ("first", "again"))],
        [
            [c["name"], *(cell(table, w.key, c["key"], f"{when}_ns") for w in backlog for when in ("first", "again"))]
            for c in who
        ],
    )
    many = of("many")
    out += section(
        "Opening",
        "",
        ["", "open and close, us", "1,000 queues: us to make one", "KiB each", "ns a message"],
        [
            [
                c["name"],
                cell(table, "reopen", c["key"], "us"),
                cell(table, "many", c["key"], "open_ns", 1000),
                cell(table, "many", c["key"], "bytes", 1024),
                cell(table, "many", c["key"], "ns"),
            ]
            for c in who
        ]
        if many or of("reopen")
        else [],
    )
    return out


def write(results, pictures):
    machine, states = results["machine"], results["states"]
    lines = [
        "# Measured",
        "",
        f"{machine['date']}, {machine['processor']}, {machine['processors']} processors, {machine['architecture']}, "
        f"{machine['system']}, load {machine['load']:g} when it began. Command: `{results['command']}`; commit "
        f"{results['commit']}.",
        "",
        "Medians, with half of the distance between the quartiles. *In italics: unstable, with fewer than "
        f"{results['good']} good samples.* A sample is good if a cache line's round trip before and after it differs "
        "by no more than 25 %. Every contestant has the pauses between polls that suit it. Empty: it cannot do this.",
        "",
    ]
    if machine["load"] > machine["processors"] / 2:
        lines += [
            "**The machine was busy with other work. Compare rows; the figures themselves say little.**",
            "",
        ]
    if results["goals"]:
        lines += ["## Goals", ""]
        lines += grid(
            ["goal", "wanted", "measured"],
            [[g["goal"], g["wanted"], g["text"].rpartition(f"goal {g['wanted']}: ")[2]] for g in results["goals"]],
        )
    for state in sorted(range(len(states)), key=lambda s: -states[s]["samples"]):
        made = state_tables(results, state)
        if made:
            lines += [
                f"## With a cache line's round trip of {states[state]['line_ns']:.0f} ns "
                f"({states[state]['samples']} samples)",
                "",
                *made,
            ]
    if results["languages"]:
        lines += ["## Languages", "", *languages.table(results["languages"])]
    lines += ["## Contestants", ""]
    lines += grid(
        ["", "remains usable if a process is killed", "version"],
        [[c["name"], c["when_killed"] or "?", c["version"]] for c in results["contestants"] if not c["reason"]],
    )
    absent = [f"- {c['name']}: {c['reason']}" for c in results["contestants"] if c["reason"]]
    lines += ["Not here:", "", *absent, ""] if absent else []
    troubles = [
        f"- {row['contestant']}, {row['workload']}: {row['trouble']}" for row in results["figures"] if row["trouble"]
    ]
    troubles = list(dict.fromkeys(troubles))
    lines += ["Trouble:", "", *troubles, ""] if troubles else []
    lines += [f"![{name}]({name}.svg)" for name in pictures]
    return "\n".join(lines) + "\n"
