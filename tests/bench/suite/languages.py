"""The bindings' own figures (bindings/LANGUAGE/bench), in one table.

Each of them prints a report for people; this reads the rows that it knows, and shows the others as they are. A row that
a binding renamed is shown, and its goal is then not measured. Knows nothing of workloads and contestants.
"""

import re
import sys
from pathlib import Path

from processes import run

ROOT = Path(__file__).resolve().parents[3]
# The arguments with which each takes as little time as it can, and those for a full run.
COMMANDS = {
    "go": ([], []),
    "rust": (["1"], ["5"]),
    "java": (["--rounds", "1", "--seconds", "0.1"], ["--rounds", "5"]),
    "python": (["1"], ["5"]),
}

CLOUDTOID = "cloudtoid-interprocess==3.0.2"

NUMBER = r"([\d,]*\.?\d+(?:e[+-]?\d+)?)"
SPREAD = r"\s*\([^()]*\)"
# (row of our table, language, words with which its line begins, which of its columns)
ROWS = (
    ("empty call", "go", "empty call into C", 0),
    ("empty call", "java", "empty call into C", 0),
    ("single", "go", "enqueue or dequeue (rival: C)", 0),
    ("single in C", "go", "enqueue or dequeue (rival: C)", 1),
    ("single, local rival", "go", "enqueue or dequeue (rival: channel)", 1),
    ("batch of 64", "go", "a message in batches of 64", 0),
    ("batch of 64 in C", "go", "a message in batches of 64", 1),
    ("there and back", "go", "there and back between processes", 0),
    ("there and back in C", "go", "there and back between processes", 1),
    ("there and back, Unix socket", "go", "there and back, p50 (Unix socket", 1),
    ("single", "rust", "56 B, enqueue, dequeue_into", 0),
    ("single in C", "rust", "56 B, C ", 0),
    ("single, local rival", "rust", "56 B, crossbeam_channel", 0),
    ("batch of 64", "rust", "56 B, 64 at a time, batches", 0),
    ("batch of 64 in C", "rust", "56 B, 64 at a time, C", 0),
    ("there and back", "rust", "ping-pong, take_wait", 0),
    ("there and back in C", "rust", "ping-pong, C", 0),
    ("there and back, Unix socket", "rust", "ping-pong, Unix socket ", 0),
    ("single", "java", "Java: a call, direct buffer", 0),
    ("single in C", "java", "C: a call", 0),
    ("batch of 64", "java", "Java: batches of 64", 0),
    ("batch of 64 in C", "java", "C: batches of 64", 0),
    ("there and back", "java", "Java: round trip of two machines", 0),
    ("there and back in C", "java", "C: round trip of two processes", 0),
    ("there and back, Unix socket", "java", "Unix socket: round trip of two", 0),
    ("single", "python", "| put, get |", 1),
    ("single in C", "python", "| put, get |", 0),
    ("single, local rival", "python", "| put, get |", 2),
    ("batch of 64", "python", "| put_many, get_many of 64", 1),
    ("there and back", "python", "| processes, there and back", 1),
    ("there and back in C", "python", "| processes, there and back", 0),
    ("there and back, Unix socket", "python", "| processes, there and back", 4),
)
TITLES = tuple(dict.fromkeys(title for title, *_ in ROWS))


def values(line, begin):
    """The figures of a line in its columns, in ns; None where a column is empty."""
    rest = line[len(begin.rstrip()) :]
    if line.startswith("|"):
        columns = line.split("|")[2:-1]
        scale = 1000 if ", us" in line.split("|")[1] else 1
    else:
        rest = re.sub(r"^[^|]*?(?=\s\s|\s*\|)", "", rest)  # what is left of the label
        columns = rest.split("|")[1:] if "|" in rest else [rest]
        scale = 1000 if re.search(r"\)\s*us\b", rest) else 1
    made = []
    for column in columns:
        number = re.match(rf"\s*{NUMBER}", column)
        made.append(float(number.group(1).replace(",", "")) * scale if number else None)
    return made


def read(language, text):
    """({row of our table: ns}, lines that belong to none)."""
    known, others = {}, []
    wanted = [(title, begin, column) for title, of, begin, column in ROWS if of == language]
    for line in text.splitlines():
        hits = [(title, begin, column) for title, begin, column in wanted if (line + " ").startswith(begin)]
        for title, begin, column in hits:
            found = values(line, begin)
            if column < len(found) and found[column] is not None:
                known.setdefault(title, found[column])
        if not hits and re.search(r"\d", line):
            others.append(line.strip())
    return known, others


def measure(quick, places, say):
    """[{language, figures, others, trouble}]."""
    made = []
    for language, (few, many) in COMMANDS.items():
        say(f"bindings/{language}/bench")
        done = run(
            ["timeout", "600", ROOT / "bindings" / language / "bench", *(few if quick else many)], stderr=sys.stderr
        )
        figures, others = read(language, done.stdout)
        trouble = "" if done.returncode == 0 else f"ended with {done.returncode}"
        made.append({"language": language, "figures": figures, "others": others, "trouble": trouble})
    say("cloudtoid's Python")
    place = places.new()
    script = Path(__file__).with_name("cloudtoid_python.py")
    # PyPI may not have it for this system: then the others are measured all the same.
    run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", CLOUDTOID], stderr=sys.stderr
    )
    done = run([sys.executable, "-B", script, place, 3 if quick else 9], stderr=sys.stderr)
    trouble = "" if done.returncode == 0 else f"{CLOUDTOID} could not be had or failed"
    made.append(
        {
            "language": "cloudtoid's Python",
            "figures": {} if trouble else {"single": float(done.stdout)},
            "others": [],
            "trouble": trouble,
        }
    )
    return made


def goals(results):
    """[{goal, wanted, value, status, text}]."""
    made = []
    by = {one["language"]: one["figures"] for one in results}

    def judge(title, wanted, met, *needed):
        if any(value is None for value in needed):
            value, shown, status = None, "not measured", "not measured"
        else:
            value = met()
            status = "met" if value >= 1 else "not met"
            shown = f"{value:.2f} of the goal's speed, {status}"
        made.append(
            {
                "goal": title,
                "wanted": wanted,
                "value": value,
                "status": status,
                "text": f"{title}: goal {wanted}: {shown}",
            }
        )

    get = lambda language, title: by.get(language, {}).get(title)
    for what in ("single", "batch of 64"):
        ours, c = get("rust", what), get("rust", f"{what} in C")
        judge(f"Rust, {what}", ">= 0.95 of C", lambda: c / ours / 0.95, ours, c)
    for language in ("go", "java"):
        ours, c, empty = get(language, "single"), get(language, "single in C"), get(language, "empty call")
        judge(
            f"{language.capitalize()}, single",
            "<= empty call + 1.5 C",
            lambda: (empty + 1.5 * c) / ours,
            ours,
            c,
            empty,
        )
        ours, c = get(language, "batch of 64"), get(language, "batch of 64 in C")
        judge(f"{language.capitalize()}, batch of 64", ">= 0.8 of C", lambda: c / ours / 0.8, ours, c)
    ours, rival = get("python", "single"), get("cloudtoid's Python", "single")
    judge("Python, single", ">= 1.5 x cloudtoid's Python", lambda: rival / ours / 1.5, ours, rival)
    return made


def table(results):
    lines = [
        "Nanoseconds for messages of 56 bytes, as bindings/LANGUAGE/bench measures them: a call, in "
        "Python in and out. Beside each the same in C, "
        "and what the language has itself (Go: a channel, Rust: crossbeam, Python: queue.Queue).",
        "",
        "| | " + " | ".join(TITLES) + " |",
        "|---" * (len(TITLES) + 1) + "|",
    ]
    for one in results:
        shown = [f"{one['figures'][title]:,.1f}" if title in one["figures"] else "" for title in TITLES]
        name = one["language"].capitalize() if one["language"].islower() else one["language"]
        lines.append(f"| {name} | " + " | ".join(shown) + " |")
    lines.append("")
    for one in results:
        if one["trouble"]:
            lines += [f"{one['language']}: {one['trouble']}", ""]
        if one["others"]:
            lines += [
                f"<details><summary>{one['language']}: the rest of its report</summary>",
                "",
                "```",
                *one["others"],
                "```",
                "",
                "</details>",
                "",
            ]
    return lines
