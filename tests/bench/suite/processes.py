"""Processes that do not outlive this one, and one sample: its workers taken through their steps together.

The steps are those of native/worker.c. Knows nothing of contestants, workloads and figures.
"""

import ctypes
import json
import os
import selectors
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
ROOT = Path("/dev/shm")


class Stalled(Exception):
    """A worker did not answer in time. It was killed."""


class Fault(Exception):
    """A worker found wrong contents, or failed."""


def dies_with(parent, by=signal.SIGKILL):
    """What a child does first, so that it does not outlive `parent`."""

    def first():
        os.setpgid(0, 0)  # Control-C is for the parent alone, which ends its children itself
        LIBC.prctl(PR_SET_PDEATHSIG, int(by), 0, 0, 0)
        if os.getppid() != parent:  # it died before this
            os._exit(1)

    return first


def start(command, **options):
    """subprocess.Popen of a child that dies with this process."""
    return subprocess.Popen([str(word) for word in command], preexec_fn=dies_with(os.getpid()), **options)


def run(command, **options):
    """The output of a command that may have children of its own: they too end with this process (see leash.py)."""
    leash = Path(__file__).with_name("leash.py")
    with subprocess.Popen(
        ["python3", "-B", leash, *map(str, command)],
        stdout=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
        preexec_fn=dies_with(os.getpid(), signal.SIGTERM),
        **options,
    ) as process:
        try:
            output, errors = process.communicate()
        except BaseException:
            process.terminate()
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


class Places:
    """Directories in shared memory, one a sample. Those of dead predecessors are removed."""

    def __init__(self, under=ROOT):
        self.number = 0
        for old in under.glob("cqueue-bench-*"):
            process = old.name.rpartition("-")[2]
            if process.isdigit() and not Path("/proc", process).exists():
                shutil.rmtree(old, ignore_errors=True)
        self.root = under / f"cqueue-bench-{os.getpid()}"
        self.root.mkdir(mode=0o700)

    def new(self):
        self.number += 1
        place = self.root / str(self.number)
        place.mkdir()
        return place

    def end(self):
        shutil.rmtree(self.root, ignore_errors=True)


@dataclass
class Worker:
    command: list
    process: subprocess.Popen = None
    lines: list = field(default_factory=list)
    rest: bytes = b""


class Sample:
    """Workers, started, taken through their steps and ended whatever happens. The first one makes the queues."""

    def __init__(self, commands, patience):
        self.workers = [Worker(command) for command in commands]
        self.deadline = time.monotonic() + patience
        self.selector = selectors.DefaultSelector()

    def __enter__(self):
        try:
            for worker in self.workers:
                worker.process = start(
                    worker.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
                )
                self.selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for worker in self.workers:
            if worker.process:
                worker.process.kill()
        for worker in self.workers:
            if worker.process:
                worker.process.wait()
                for pipe in (worker.process.stdin, worker.process.stdout, worker.process.stderr):
                    try:
                        pipe.close()
                    except BrokenPipeError:
                        pass
        self.selector.close()

    def results(self):
        """The report of each worker, in their order. Stalled or Fault otherwise."""
        self._expect(self.workers[:1], "made")
        self._tell("join")
        self._expect(self.workers, "ready")
        self._tell("go")
        reports = [json.loads(line) for line in self._lines(self.workers)]
        self._tell("end")
        for worker in self.workers:
            try:
                code = worker.process.wait(max(0.0, self.deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise Stalled("did not end") from None
            if code != 0:
                raise self._ended(worker)
        return reports

    def _tell(self, word):
        for worker in self.workers:
            try:
                worker.process.stdin.write(f"{word}\n".encode())
                worker.process.stdin.flush()
            except BrokenPipeError:
                raise self._ended(worker) from None

    def _expect(self, workers, word):
        for line in self._lines(workers):
            if line != word:
                raise Fault(f"a worker said {line!r} where {word!r} was due")

    def _lines(self, workers):
        while not all(worker.lines for worker in workers):
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise Stalled("no answer in time: killed")
            for key, _ in self.selector.select(left):
                self._read(key.data)
        return [worker.lines.pop(0) for worker in workers]

    def _read(self, worker):
        data = os.read(worker.process.stdout.fileno(), 65536)
        if not data:
            raise self._ended(worker)
        *lines, worker.rest = (worker.rest + data).split(b"\n")
        for line in lines:
            text = line.decode()
            if text.startswith('{"fault"'):
                raise Fault(json.loads(text)["fault"])
            worker.lines.append(text)

    @staticmethod
    def _ended(worker):
        code = worker.process.wait()
        errors = worker.process.stderr.read().decode(errors="replace").strip().splitlines()
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        return Fault(f"a worker {how}" + (f": {errors[-1][:300]}" if errors else ""))
