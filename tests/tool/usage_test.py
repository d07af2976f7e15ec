"""Help, and command lines that are wrong."""

import re
import subprocess
import unittest

from support import CQ, OK, USAGE, main

COMMANDS = ["create", "put", "get", "peek", "ls", "stat", "doctor", "rm"]


class UsageTest(unittest.TestCase):
    def run_words(self, *words, code=OK):
        done = subprocess.run([CQ, *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stderr == "", code == OK)
        return done.stdout if code == OK else done.stderr

    def test_help_lists_every_command_and_the_exit_codes(self):
        text = self.run_words("help")
        for command in COMMANDS + ["help"]:
            self.assertRegex(text, re.compile(f"^  {command} +[A-Z]", re.MULTILINE))
        self.assertIn("Exit codes: 0 done; 1 empty, full or timed out; 2 wrong usage; 3 error.", text)
        for option in ["--help", "-h"]:
            self.assertEqual(self.run_words(option), text)

    def test_help_of_each_command_has_exit_codes_and_an_example(self):
        for command in COMMANDS:
            with self.subTest(command):
                text = self.run_words("help", command)
                self.assertIn(f"Usage: cq {command} [OPTIONS]", text)
                self.assertIn("Exit codes: 0 ", text)
                self.assertRegex(text, rf"Examples?:\n(.*\n)*  .*cq {command}\b")
                self.assertIn("--directory", text)
                self.assertIn("--permissions", text)
                self.assertEqual(self.run_words(command, "--help"), text)
                self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_version(self):
        self.assertRegex(self.run_words("--version"), r"^cq 1\.0\.0 \(library 1\.0\.0, interface 1\)\n$")

    def test_what_makes_no_sense_is_refused(self):
        for words in [(), ("nonsense",), ("help", "nonsense"), ("get",), ("put", "--nonsense", "q"),
                      ("get", "q", "extra"), ("--nonsense",), ("stat", "q", "--directory"), ("ls", "extra")]:
            with self.subTest(words):
                self.assertRegex(self.run_words(*words, code=USAGE), "^cq: .")


if __name__ == "__main__":
    main()
