"""What passed and what failed: a line a group, the problems below it."""

import sys
import threading

MOST_SHOWN = 10  # problems of a group


class Report:
    def __init__(self):
        self.passed = self.failed = 0
        self.lock = threading.Lock()

    def group(self, name, checks, problems):
        """`checks` things were looked at; each problem is of one of them, or of more than can be told."""
        failed = min(len(problems), checks)
        with self.lock:
            self.passed += checks - failed
            self.failed += failed
            print(f"{'FAILED' if failed else 'ok':<8}{name}: {checks - failed} of {checks}")
            for problem in problems[:MOST_SHOWN]:
                print("        " + str(problem).rstrip().replace("\n", "\n        "))
            if len(problems) > MOST_SHOWN:
                print(f"        and {len(problems) - MOST_SHOWN} more")
            sys.stdout.flush()

    def note(self, text):
        with self.lock:
            print(f"{'':<8}{text}", flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0
