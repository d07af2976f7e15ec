"""The programs of the languages: building, starting, ending and killing them. README.md tells what they do."""

import contextlib
import itertools
import os
import signal
import subprocess
import time

LANGUAGES = ("c", "cpp", "go", "rust", "java", "python")
HERE = os.path.dirname(os.path.abspath(__file__))
NATIVE = os.path.join(HERE, "../../build/interop")
EXAMPLES = os.path.join(HERE, "../../examples")
CQ = os.path.join(HERE, "../../build/examples/native/cqueue/c/tools/cq")
PATIENCE = 200  # seconds; nothing takes so long unless something is wrong

_running = set()
_numbers = itertools.count(1)


class Failure(Exception):
    """Something went so wrong that there is nothing to check."""


def build(languages):
    """All the programs, one language after the other; and what the tests need themselves."""
    commands = {language: [os.path.join(HERE, language, "build")] for language in languages}
    commands["the tests"] = [os.path.join(HERE, "build_native"), "golden_make", "worker_c"]
    commands["the cq command"] = [os.path.join(EXAMPLES, "build_native"), "cq"]
    for name, command in commands.items():
        if name in languages and not (os.access(command[0], os.X_OK) and os.access(program(name), os.X_OK)):
            raise Failure(f"there is no worker for {name}: {command[0]} or {program(name)} is missing")
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"{name} does not build:\n{done.stdout}")


def program(language):
    return os.path.join(HERE, language, "worker")


def start(command, output, error):
    """A process in a session of its own, so that nothing of it can stay behind unnoticed."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=error, start_new_session=True)
    except OSError as reason:
        raise Failure(f"{command[0]} cannot be run: {reason.strerror}") from None
    _running.add(process)
    return process


def dismiss(process):
    """SIGKILL to all of it, whatever it is doing, and be it about to start."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _running.discard(process)


def dismiss_all():
    """Whatever went wrong, leave nothing behind."""
    for process in list(_running):
        dismiss(process)


class Worker:
    """A running program. What it prints is in files of `place`, which its queue is in as well."""

    def __init__(self, place, language, mode, **options):
        self.name = f"{language}-{mode}-{next(_numbers)}"
        self.output_path = place.path(self.name + ".out")
        self.error_path = place.path(self.name + ".err")
        options = {"name": place.name, "directory": place.directory, **options}
        words = [word for key, value in options.items() for word in ("--" + key.replace("_", "-"), str(value))]
        with open(self.output_path, "wb") as output, open(self.error_path, "wb") as error:
            self.process = start([program(language), mode] + words, output, error)

    @property
    def output(self):
        with open(self.output_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def code(self):
        """None while it runs."""
        return self.process.poll()

    def ended_well(self):
        """Has it ended? Fails if it ended in any other way than it should."""
        if self.code is None:
            return False
        _running.discard(self.process)
        if self.code != 0:
            with open(self.error_path, encoding="utf-8", errors="replace") as file:
                raise Failure(f"{self.name} ended with {self.code}: {file.read()}")
        return True

    def wait(self):
        until(self.ended_well, f"{self.name} does not end")
        return self.output

    def kill(self):
        """SIGKILL. The program itself must be what was started, or something of it would live on."""
        self.process.kill()
        code = self.process.wait()
        _running.discard(self.process)
        if code != -signal.SIGKILL:
            raise Failure(f"{self.name} had ended with {code} before it was killed")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
            raise Failure(f"{self.name} left a process behind when it was killed: its worker script does not exec")


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise Failure(f"waited {PATIENCE} s in vain: {what}")
        time.sleep(0.002)
