"""The instrument's command line: who and what takes part, for how long, and where the results go."""

import argparse
import json
import os
import shlex
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import contestants  # noqa: E402
import figures  # noqa: E402
import goals  # noqa: E402
import languages  # noqa: E402
import machine  # noqa: E402
import measure  # noqa: E402
import table  # noqa: E402
import workloads  # noqa: E402
from processes import Places  # noqa: E402

ROOT = HERE.parent.parent.parent


def names(text):
    return [word for word in text.split(",") if word]


def arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description="Measure cqueue beside its rivals.")
    parser.add_argument("--quick", action="store_true", help="2 minutes: fewer workloads; all take 20")
    parser.add_argument("--contestants", type=names, default=[], metavar="A,B", help="these alone")
    parser.add_argument("--workloads", type=names, default=[], metavar="A,B", help="these alone")
    parser.add_argument("--list", action="store_true", help="say which contestants and workloads there are")
    parser.add_argument("--seconds", type=float, help="how long it may measure")
    parser.add_argument("--rounds", type=int, default=0, help="at most")
    parser.add_argument("--good", type=int, default=measure.GOOD, help="samples that a figure needs (%(default)s)")
    parser.add_argument("--sample-ms", type=float, help="what a sample takes (20 with --quick, else 40)")
    parser.add_argument(
        "--difference",
        type=float,
        default=machine.DIFFERENCE,
        help="by how much the unit may change during a good sample, as a factor (%(default)s)",
    )
    parser.add_argument("--patience", type=float, default=1, help="factor on when a sample has stalled")
    parser.add_argument("--nice", type=int, default=0, help="raise the priority by this much (needs root)")
    parser.add_argument("--out", type=Path, default=ROOT / "build/bench/results", help="where the results go")
    parser.add_argument("--build", type=Path, default=ROOT / "build/bench/bin", help="where contestants are built")
    parser.add_argument("--library", help="an archive of cqueue that is built already")
    parser.add_argument(
        "--add", type=Path, action="append", default=[], metavar="DIRECTORY", help="of more contestants"
    )
    parser.add_argument("--no-install", action="store_true", help="leave out who needs a package that is not there")
    parser.add_argument(
        "--languages", action="store_true", help="the bindings' own figures alone (they belong to a full run too)"
    )
    return parser.parse_args()


def commit():
    try:
        return subprocess.run(
            ["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def chosen(options):
    unknown = set(options.workloads) - {w.key for w in workloads.ALL}
    if unknown:
        raise SystemExit(
            f"tests/bench/run: there is no workload {', '.join(sorted(unknown))}; "
            f"there are {', '.join(w.key for w in workloads.ALL)}"
        )
    if options.workloads:
        return [w for w in workloads.ALL if w.key in options.workloads]
    return [w for w in workloads.ALL if w.quick or not options.quick]


def say(text):
    print(text, file=sys.stderr, flush=True)


def measured(options, found, work, line):
    places = Places()
    try:
        meter = measure.Meter(
            places,
            machine.Line(line),
            options.patience,
            options.sample_ms or (20 if options.quick else 40),
            os.cpu_count(),
            options.quick,
            say,
        )
        cells = measure.cells(found, work, options.quick)
        seconds = options.seconds or (110 if options.quick else 1080)
        measure.rounds(meter, cells, seconds, options.good, options.rounds)
        return cells
    finally:
        places.end()


def main():
    options = arguments()
    if os.cpu_count() < 2:
        raise SystemExit("tests/bench/run: needs two processors")
    work = chosen(options)
    machine.DIFFERENCE = options.difference
    if options.list:
        say("contestants: " + ", ".join(contestants.known([HERE.parent / "contestants", *options.add])))
        say("workloads: " + ", ".join(w.key for w in workloads.ALL))
        return
    if options.nice:
        os.nice(-options.nice)
    options.out.mkdir(parents=True, exist_ok=True)
    about = machine.describe()
    builder = contestants.Builder(options.build, options.library, not options.no_install, say)
    try:
        line = builder.native()
    except contestants.Missing as missing:
        raise SystemExit(f"tests/bench/run: the worker does not build: {missing}") from None
    if options.languages:
        options.contestants = ["cqueue"]
    found = contestants.find(builder, [HERE.parent / "contestants", *options.add], options.contestants)
    cells = measured(options, found, work, line) if not options.languages else []
    states, rows = figures.of(cells, options.good)
    results = {
        "machine": about,
        "command": shlex.join(["tests/bench/run", *sys.argv[1:]]),
        "commit": commit(),
        "good": options.good,
        "contestants": [told(c) for c in found],
        "workloads": [asdict(w) for w in work],
        "states": [{"line_ns": unit, "samples": count} for unit, count in zip(states.units, states.samples)],
        "main_state": states.main,
        "figures": rows,
        "goals": [],
        "languages": [],
        "samples": [{"workload": c.workload.key, "contestant": c.contestant.key, "samples": c.samples} for c in cells],
    }
    if cells:
        present = {c.key: c.name for c in found if not c.reason}
        results["goals"] = goals.evaluate(
            figures.Table(rows, states.main), present, [g for g in goals.ALL if g.workload in {w.key for w in work}]
        )
    if options.languages or not (options.quick or options.contestants or options.workloads):
        places = Places()
        try:
            results["languages"] = languages.measure(options.quick, places, say)
        finally:
            places.end()
        results["goals"] += languages.goals(results["languages"])
    write(results, states.main, options.out)


def told(contestant):
    return {
        "key": contestant.key,
        "name": contestant.name,
        "reason": contestant.reason,
        "version": contestant.version,
        "when_killed": contestant.abilities.get("when_killed", ""),
    }


def write(results, state, out):
    import plots

    pictures = plots.draw(results, state, out)
    with (out / "results.json").open("w") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    (out / "results.md").write_text(table.write(results, pictures))
    for contestant in results["contestants"]:
        if contestant["reason"]:
            say(f"not here: {contestant['name']}: {contestant['reason']}")
    for row in results["figures"]:
        if row["figure"] is None:
            say(f"{row['contestant']}, {row['workload']}: {row['status']}")
    for goal in results["goals"]:
        print(goal["text"])
    print(f"{out / 'results.md'}, results.json, pictures: {', '.join(pictures)}")


if __name__ == "__main__":
    main()
