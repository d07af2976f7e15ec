"""Two regions, and a durable directory, that were written once and kept: every language reads in them what was written by hand
that it should. So does the reader of durable directories that knows c/FORMAT.md alone.

golden/make.c says how they came about. That it would come out the same today is checked too, but for the positions: how many
messages a node holds is up to who creates a region.
"""

import json
import os
import subprocess
import sys

import sparse
from place import Place
from workers import HERE, NATIVE, Failure, Worker

FOLDER = os.path.join(HERE, "golden")
READER = os.path.join(HERE, "..", "process", "segment_reader.py")
REGIONS = ("small", "large")


def expected_walk(name):
    """golden/NAME.expected, in a worker's words."""
    with open(os.path.join(FOLDER, name + ".expected"), encoding="ascii") as file:
        lines = [line.split(" ", 2) for line in file.read().splitlines() if not line.startswith("#")]
    for position, deliveries, message in lines:
        if message.startswith('"'):
            message = json.loads(message).encode().hex()
        elif message != "-":
            byte, count = message.split("*")
            message = byte * int(count)
        yield f"{position} {deliveries} {message}"


def compare(who, said, expected):
    """The problems, at most one."""
    if said == expected:
        return []
    for i, line in enumerate(expected):
        if i >= len(said) or said[i] != line:
            return [f"{who} shows in line {i + 1}: {said[i][:200] if i < len(said) else 'nothing'}\nexpected: {line[:200]}"]
    return [f"{who} shows {len(said)} messages, expected {len(expected)}"]


def walk(place, language, name):
    return Worker(place, language, "walk", name=name).wait().splitlines()


def restore_directory(path):
    """golden/kept.directory, as it was."""
    os.mkdir(path)
    files = {}
    with open(os.path.join(FOLDER, "kept.directory"), encoding="ascii") as lines:
        for line in lines:
            if line.startswith("file "):
                files[line.split()[1]] = current = []
            else:
                current.append(line)
    for name, text in files.items():
        sparse.restore(text, os.path.join(path, name))


def read_directory(path):
    """What the reader prints of the messages, in a worker's words."""
    read = subprocess.run([sys.executable, "-B", READER, path], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [line.split(" ", 1)[1] for line in read.splitlines() if line.startswith("message ")]


def recover(place, name):
    """Have the region made from its directory."""
    made = subprocess.run([os.path.join(NATIVE, "golden_make"), place.directory, name], stderr=subprocess.PIPE, check=False)
    if made.returncode != 0:
        raise Failure(made.stderr.decode())


def unplaced(lines):
    """The lines without their positions."""
    return [line.split(" ", 1)[1] for line in lines]


def run(report, languages, _):
    for name in REGIONS:
        expected = list(expected_walk(name))
        with Place() as place:
            with open(os.path.join(FOLDER, name + ".region"), encoding="ascii") as lines:
                sparse.restore(lines, place.region(name))
            problems = []
            for language in languages:
                problems += compare(language, walk(place, language, name), expected)
        report.group(f"golden region {name}, read by each", len(languages), problems)

    expected = list(expected_walk("kept"))
    with Place() as place:
        restore_directory(place.region("kept") + ".d")
        problems = compare("the reader", read_directory(place.region("kept") + ".d"), expected)
        recover(place, "kept")
        for language in languages:
            problems += compare(language, walk(place, language, "kept"), expected)
    report.group("golden durable directory, recovered and read by each", 1 + len(languages), problems)

    with Place() as place:
        made = subprocess.run([os.path.join(NATIVE, "golden_make"), place.directory], stderr=subprocess.PIPE, check=False)
        if made.returncode != 0:
            raise Failure(made.stderr.decode())
        problems = [problem for name in REGIONS
                    for problem in compare("c", unplaced(walk(place, "c", name)), unplaced(expected_walk(name)))]
        os.unlink(place.region("kept"))
        read = read_directory(place.region("kept") + ".d")
        recover(place, "kept")
        problems += compare("c", walk(place, "c", "kept"), read) + compare("the reader", unplaced(read), unplaced(expected))
    report.group("golden regions made anew", len(REGIONS) + 1, problems)
