"""Sets every language against every other: see README.md. Ends with `N passed, M failed`."""

import argparse
import os
import random
import signal
import sys
import time
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples"))  # ledger.py

import crowd
import examples
import golden
import kills
import opening
import pairs
import typed
import workers
from report import Report


def self_test(report):
    """The checkers themselves: do they notice what is broken?"""
    suite = unittest.defaultTestLoader.discover(os.path.dirname(os.path.abspath(__file__)), "*_test.py")
    result = unittest.TestResult()
    suite.run(result)
    report.group("the checkers notice broken logs", result.testsRun,
                 [f"{test}: {text}" for test, text in result.failures + result.errors])


def attempt(report, name, function, *arguments):
    """One part of all; that it cannot go on is a failure like others."""
    try:
        function(*arguments)
        return True
    except workers.Failure as failure:
        report.group(name, 1, [str(failure)])
        return False
    finally:
        workers.dismiss_all()


def main():
    parser = argparse.ArgumentParser(prog="tests/interop/run", description="Set every language against every other.")
    parser.add_argument("--long", action="store_true", help="more messages, every combination of methods, more kills")
    parser.add_argument("--languages", default=",".join(workers.LANGUAGES), help="only these (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="whom to kill when")
    options = parser.parse_args()
    languages = options.languages.split(",")
    if not set(languages) <= set(workers.LANGUAGES):
        parser.error("--languages takes some of " + ",".join(workers.LANGUAGES))

    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    report = Report()
    if attempt(report, "building", workers.build, languages):
        self_test(report)
        for part in (opening, golden, pairs, typed, crowd, kills, examples):
            begin = time.monotonic()
            attempt(report, part.__name__, part.run, report, languages, options)
            report.note(f"{part.__name__}: {time.monotonic() - begin:.1f} s")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
