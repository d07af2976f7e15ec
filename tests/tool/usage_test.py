"""Help, and command lines that are wrong."""

import json
import os
import re
import subprocess
import tempfile
import unittest

from support import CQ, OK, USAGE, main

COMMANDS = ["create", "put", "get", "peek", "work", "ls", "stat", "top", "plot", "check", "export", "doctor", "move", "copy", "purge",
            "resize", "rename", "backup", "restore", "rm", "version"]
WITHOUT_A_PLACE = ["plot", "version"]


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
                self.assertIn("--help", text)
                self.assertIn("Exit codes: 0 ", text)
                self.assertRegex(text, rf"Examples?:\n(.*\n)*  .*cq {command}\b")
                if command not in WITHOUT_A_PLACE:
                    self.assertIn("--directory", text)
                    self.assertIn("--permissions", text)
                self.assertEqual(self.run_words(command, "--help"), text)
                self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_version(self):
        self.assertRegex(self.run_words("--version"), r"^cq 1\.0\.0 \(library 1\.0\.0, interface 1\)\n$")

        self.assertEqual(self.run_words("version"), self.run_words("--version"))
        self.assertEqual(self.run_words("version", "--json"), '{"cq":"1.0.0","library":"1.0.0","interface":1}\n')

    def test_a_word_that_is_none_brings_the_one_that_was_meant(self):
        for word, meant in [("craete", "create"), ("crate", "create"), ("sta", "stat"), ("lst", "ls"), ("delete", "rm"), ("list", "ls"),
                            ("publish", "put"), ("mvoe", "move"), ("dcotor", "doctor")]:
            for words in [(word, "q"), ("help", word)]:
                self.assertIn(f'there is no command "{word}"; did you mean `{meant}`?', self.run_words(*words, code=USAGE))
        self.assertIn("`cq help` lists them", self.run_words("xyzzy", code=USAGE))
        for words, meant in [(("create", "q", "--capcity", "5"), "--capacity"), (("get", "q", "--folow"), "--follow"),
                             (("--verison",), "--version"), (("create", "q", "--max", "5"), "--max-message")]:
            self.assertIn(f"did you mean `{meant}`?", self.run_words(*words, code=USAGE))

    def test_an_option_that_is_given_twice_is_named(self):
        for command in json.loads(self.run_words("help", "--json")):
            before = [] if command["name"] == "cq" else [command["name"]]
            for option in command["options"]:
                if "type" not in option or "--header" in option["names"]:
                    continue
                name = option["names"][-1]
                with self.subTest((command["name"], name)):
                    said = self.run_words(*before, option["names"][0], "1", f"{name}=2", code=USAGE)
                    self.assertEqual(said.splitlines()[0], f"cq: {name} was given twice; give it once")
        self.assertIn("--wait was given 3 times; give it once", self.run_words("get", "q", *["--wait=1"] * 3, code=USAGE))

    def test_what_is_left_out_is_named(self):
        for words, said in [(("get", "q", "-n"), "--count needs a value: --count N"), (("--directory",), "--directory needs a value"),
                            (("create", "q", "--capacity="), "--capacity needs a value: --capacity MESSAGES"),
                            (("get", "q", "--all=maybe"), "--all takes no value"), (("get", "q", "-n", "x"), '--count: "x" is'),
                            (("rename", "q"), "NEW-NAME is required: cq rename [OPTIONS] NAME NEW-NAME"),
                            (("put",), "NAME is required: cq put [OPTIONS] NAME\n"), (("get",), "cq get [OPTIONS] NAME...\n")]:
            self.assertIn(said, self.run_words(*words, code=USAGE))
        for command in COMMANDS:
            self.assertNotRegex(self.run_words("help", command), r"\[\.\.\.\]|\n\n\n")

    def test_what_is_too_much_is_named_in_the_order_given(self):
        self.assertIn("what to do with: one two three\n", self.run_words("rename", "q", "r", "one", "two", "three", code=USAGE))

    def test_put_says_where_messages_come_from(self):
        self.assertIn("standard input, not from the command line: echo 'hello world' | cq put q",
                      self.run_words("put", "q", "hello", "world", code=USAGE))
        self.assertIn(f"cq put q < {__file__}", self.run_words("put", "q", __file__, code=USAGE))

    def test_the_directory_may_be_given_before_and_by_the_environment(self):
        with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="cqtest-tool-") as first, \
             tempfile.TemporaryDirectory(dir="/dev/shm", prefix="cqtest-tool-") as second:
            environment = {**os.environ, "CQ_DIRECTORY": first}
            for words, where in [(["create", "a"], first), (["--directory", second, "create", "b"], second),
                                 (["--directory", first, "create", "c", "--directory", second], second)]:
                subprocess.run([CQ, *words, "--quiet"], env=environment, check=True)
                self.assertIn("cqueue." + next(word for word in words if len(word) == 1), os.listdir(where))

    def test_a_program_of_that_name_is_run_as_it_is(self):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "PATH": folder + os.pathsep + os.environ["PATH"]}
            for name in ["cq-bridge", "cq-put"]:
                with open(os.path.join(folder, name), "w", encoding="utf-8") as program:
                    program.write('#!/bin/sh\necho "$0: $*"\nexit 7\n')
                os.chmod(program.name, 0o755)
            done = subprocess.run([CQ, "bridge", "run", "--help", "--directory=x"], env=environment, capture_output=True, text=True,
                                  check=False)
            self.assertEqual((done.returncode, done.stdout), (7, f"{folder}/cq-bridge: run --help --directory=x\n"))
            self.assertIn("Usage: cq put", subprocess.run([CQ, "put", "--help"], env=environment, check=True, text=True,
                                                          capture_output=True).stdout)

    def test_without_cq_bridge_it_is_said_how_to_get_it(self):
        done = subprocess.run([CQ, "bridge", "run"], env={**os.environ, "PATH": "/nowhere"}, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, USAGE)
        self.assertRegex(done.stderr, "cq-bridge.*go install cqueue.io/go/bridge/cmd/cq-bridge")

    def test_what_makes_no_sense_is_refused(self):
        for words in [(), ("nonsense",), ("help", "nonsense"), ("get",), ("put", "--nonsense", "q"),
                      ("backup", "q", "f", "extra"), ("--nonsense",), ("stat", "q", "--directory"), ("plot", "a", "extra"), ("get", ""),
                      ("get", "a/b"), ("stat", "a b"), ("top", "../x"), ("check", "a\nb"),
                      ("export", "x" * 201), ("ls", "a b"), ("doctor", "a b"), ("move", "a b", "c"), ("peek", ".x"), ("stat", "q", "--watch", "0"), ("move", "a"), ("resize", "a"), ("rename", "a")]:
            with self.subTest(words):
                self.assertRegex(self.run_words(*words, code=USAGE), "^cq: .")


if __name__ == "__main__":
    main()
