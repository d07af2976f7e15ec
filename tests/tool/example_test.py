"""The job of examples/run, with the cq that was built for the tests; and that its checker looks at what it left."""

import os
import re
import shutil
import subprocess
import sys

from support import CQ, ROOT, CommandTest, main


class ExampleTest(CommandTest):
    LINES = 20000

    def setUp(self):
        super().setUp()
        self.kept = os.path.join(self.directory, "kept")
        self.queues = os.path.join(self.directory, "queues")
        os.mkdir(self.queues)

    def run_job(self):
        done = subprocess.run(
            [os.path.join(ROOT, "examples/run"), "--lines", str(self.LINES), "--directory", self.queues,
             "--keep", self.kept],
            env={**os.environ, "CQ": CQ}, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def check(self, directory):
        return subprocess.run([sys.executable, "-B", os.path.join(ROOT, "examples/account.py"), directory],
                              capture_output=True, text=True, check=False)

    def test_every_acknowledged_line_arrives_though_processes_are_killed(self):
        text = self.run_job()
        self.assertRegex(text, rf"^{self.LINES} lines of text from \d+ files; 4 processes put them, 3 get them\n")
        self.assertIn("killed: producer p2 after line ", text)
        self.assertRegex(text, rf"acknowledged +{self.LINES} lines by 5 producers\n")
        self.assertGreater(int(re.search(r"delivered again +(\d+) line", text).group(1)), 0)
        self.assertIn("Every acknowledged line arrived", text)
        self.assertRegex(text, r"\d+ messages/s\n$")
        self.assertEqual(os.listdir(self.queues), [])

        self.assertEqual(self.check(self.kept).returncode, 0)
        received = max(
            (os.path.join(self.kept, name) for name in os.listdir(self.kept) if name.startswith("received-")),
            key=os.path.getsize)
        with open(received, "rb") as file:
            lines = file.read().splitlines(keepends=True)
        once = next(i for i, line in enumerate(lines) if line.split(b"\t")[1] == b"1")
        for change, spoiled, complaint in [
            ("a lost line", lines[:once] + lines[once + 1 :], "1 messages of "),
            ("an unmarked duplicate", lines + [lines[once]], "came 2 times, with deliveries [1, 1]"),
        ]:
            with self.subTest(change):
                copy = os.path.join(self.directory, "spoiled")
                shutil.copytree(self.kept, copy)
                with open(os.path.join(copy, os.path.basename(received)), "wb") as file:
                    file.writelines(spoiled)
                checked = self.check(copy)
                self.assertEqual(checked.returncode, 1)
                self.assertIn(complaint, checked.stdout)
                shutil.rmtree(copy)


if __name__ == "__main__":
    main()
