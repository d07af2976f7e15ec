"""The examples of each language: short, the same behaviour in all, and each understands what the next one sends."""

import contextlib
import os
import subprocess
import sys

from workers import CQ, HERE, LANGUAGES, PATIENCE, Failure, dismiss, start

FOLDER = os.path.join(HERE, "../../examples")
SHARED_MEMORY = "/dev/shm"  # where the examples' queues are
EVENTS = ("c", "go", "rust", "python")  # the languages that have an event loop
SOURCES = {"c": (".c", ".h"), "cpp": (".cpp", ".hpp"), "go": (".go",), "rust": (".rs",), "java": (".java",), "python": (".py",)}
MOST_LINES = 59
ORDERS = 3


STORY = """\
    rust: gave back order 1 from go
    killed (SIGKILL); 1000 orders are waiting
    rust: handled order 1 from go (delivery 3)
sent       2800 orders: 2000 by go, 200 by java, 200 by python, 200 by c, 200 by cpp
handled    2800 orders:
Every order was handled exactly once.
"""


class Program:
    """A program that runs to its end, saying nothing on standard error."""

    def __init__(self, name, command):
        self.name = name
        self.process = start(command, subprocess.PIPE, subprocess.PIPE)

    def output(self):
        try:
            output, error = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} does not end") from None
        finally:
            dismiss(self.process)
        if self.process.returncode != 0 or error:
            raise Failure(f"{self.name} ended with {self.process.returncode}: {error.decode()}")
        return output.decode()


class Example(Program):
    def __init__(self, language, program, *arguments):
        super().__init__(f"examples/{language}/run {program}",
                         [os.path.join(FOLDER, language, "run"), program, *map(str, arguments)])


@contextlib.contextmanager
def queue():
    """The name of a queue that no one else has, and that is gone afterwards."""
    name = f"cqinterop-{os.getpid()}"
    try:
        yield name
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(SHARED_MEMORY, "cqueue." + name))


def expect(who, said, lines):
    expected = "".join(line + "\n" for line in lines)
    return [] if said == expected else [f"{who} printed:\n{said}expected:\n{expected}"]


def got(language, sender):
    return [f"{language}: got order {i} from {sender}" for i in range(1, ORDERS + 1)]


def handled(language, sender):
    return [f"{language}: gave back order 1 from {sender}"] + [
        f"{language}: handled order {i} from {sender} (delivery {2 if i == 1 else 1})" for i in range(1, ORDERS + 1)]


def produce(language, name):
    return expect(f"{language} produce", Example(language, "produce", name, ORDERS).output(),
                  [f"{language}: sent {ORDERS}"])


def converse(sender, receiver):
    """One's orders, received by the other in each way; (checks, problems)."""
    problems, checks = [], 0
    programs = {"consume": got, "acknowledge": handled}
    if receiver in EVENTS:
        programs["events"] = got
    for program, lines in programs.items():
        for waiting in (False, True):  # orders that are there already, and orders that are waited for
            with queue() as name:
                if not waiting:
                    problems += produce(sender, name)
                example = Example(receiver, program, name, ORDERS)
                if waiting:
                    problems += produce(sender, name)
                problems += expect(example.name, example.output(), lines(receiver, sender))
            checks += 2
    return checks, problems


def long_sources(language):
    """(how many sources there are, which are too long)"""
    paths = [os.path.join(folder, file) for folder, _, files in os.walk(os.path.join(FOLDER, language)) for file in files
             if file.endswith(SOURCES[language]) and "target" not in folder.split(os.sep)]
    if not paths:
        raise Failure(f"there are no examples in {language}")
    problems = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            lines = len(file.readlines())
        if lines > MOST_LINES:
            problems.append(f"{os.path.relpath(path, FOLDER)} has {lines} lines, at most {MOST_LINES} are meant")
    return len(paths), problems


def missing_in_story(said):
    """What of the story is not told, in this order."""
    lines = said.splitlines()
    for line in STORY.splitlines():
        found = next((i for i, one in enumerate(lines) if one.startswith(line)), None)
        if found is None:
            return [f"the story does not say: {line}\nbut:\n{said}"]
        lines = lines[found + 1 :]
    return []


def build(language):
    """Sending nothing builds what sends; what is said about that is nobody's business."""
    with queue() as name:
        done = subprocess.run([os.path.join(FOLDER, language, "run"), "produce", name, "0"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"the examples in {language} do not build:\n{done.stdout}")


def run(report, languages, _):
    for language in languages:
        build(language)
    for i, sender in enumerate(languages):
        receiver = languages[(i + 1) % len(languages)]
        try:
            report.group(f"examples of {sender} are short", *long_sources(sender))
            report.group(f"examples, {sender} -> {receiver}", *converse(sender, receiver))
        except Failure as failure:
            report.group(f"examples, {sender} -> {receiver}", 1, [str(failure)])
    if set(languages) == set(LANGUAGES):
        story = Program("the story", [sys.executable, "-B", os.path.join(FOLDER, "story.py"), "--cq", CQ])
        report.group("the story of examples/run", len(STORY.splitlines()), missing_in_story(story.output()))
        durable = Program("examples/durable.py", [sys.executable, "-B", os.path.join(FOLDER, "durable.py"), "--cq", CQ, "--rounds", "6"])
        report.group("durable orders in three languages", 1, [] if " 0 problems" in durable.output() else ["no account"])
    else:
        report.note("the story of examples/run needs all languages: not told")
