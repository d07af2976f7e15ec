"""Every example that a command's help gives is run, as a reader would; and what the help says is fit for a reader."""

import json
import os
import re
import signal
import subprocess
import tempfile

from support import CQ, PATIENCE, CommandTest, main

# Go on until they are ended: what they need to have done by then.
ENDLESS = {
    "cq get orders --follow --meta": "tea",
    "tail --follow log.txt | cq put orders --wait 2s": None,
    "cq stat orders --watch 1s --csv > orders.csv": None,
    "cq top": None,
}
OTHER_CODES = {"cq check orders --max-fill 80% --max-held 100": {0}}
C_WORDS = re.compile(r"\bcq_(?!backup)\w+|\bCQ_(?!DIRECTORY\b|QUEUE\b|POSITION\b|DELIVERIES\b|HEADERS\b)\w+|cqueue\.h|struct|\bNULL\b|errno")


def commands():
    return json.loads(subprocess.run([CQ, "help", "--json"], capture_output=True, check=True).stdout)


class HelpTest(CommandTest):
    def environment(self, folder):
        os.symlink(CQ, os.path.join(folder, "cq"))
        return {**os.environ, "CQ_DIRECTORY": self.directory, "PATH": folder + ":" + os.environ["PATH"]}

    def prepare(self, folder):
        for name in os.listdir(self.directory):
            if name.startswith("cqueue."):
                os.remove(os.path.join(self.directory, name))
        for name in ["orders", "done", "failed", "empty"]:
            self.create(name, permissions="0660")
        self.put(b"tea", b"coffee", queue="orders")
        with open(os.path.join(folder, "figures.csv"), "wb") as file:
            file.write(self.run_cq("stat", "orders", "--csv", "--watch", "1ms", "-n", 2).out)
        with open(os.path.join(folder, "log.txt"), "w", encoding="utf-8") as file:
            file.write("one line\n")

    def test_every_command_has_two_examples_and_all_of_them_work(self):
        for command in commands():
            self.assertGreaterEqual(len(command["examples"]), 2, command["name"])
            for example in command["examples"]:
                with self.subTest(example), tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
                    environment = self.environment(folder)
                    self.prepare(folder)
                    if command["name"] == "restore":
                        environment["CQ_DIRECTORY"] = self.directory
                    if "ledger" in example:  # a durable queue, whose region is in the platform's shared memory
                        del environment["CQ_DIRECTORY"]
                        example = example.replace("/var/lib/", folder + "/")
                        os.mkdir(folder + "/ledger")
                        self.run_example(f"cq create ledger --durable --directory {folder}/ledger", folder, environment)
                    self.run_example(example, folder, environment)
                    if "ledger" in example:
                        self.run_example("cq rm --force --durable ledger", folder, environment)

    def run_example(self, example, folder, environment):
        endless = example in ENDLESS or " --listen " in example or " --follow" in example
        process = subprocess.Popen(["bash", "-c", example], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        try:
            out, err = process.communicate(timeout=1.5 if endless else PATIENCE)
            self.assertFalse(endless and example != "cq top", f"{example} ended: {err.decode()}")
        except subprocess.TimeoutExpired:
            self.assertTrue(endless, f"{example} does not end")
            os.killpg(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if not endless:
            self.assertEqual((process.returncode, err.decode()), (0, ""), example)
        else:
            self.assertNotIn("usage", err.decode())
            self.assertNotIn(process.returncode, (2, 3), err.decode())

    def test_no_word_that_only_programmers_of_c_know(self):
        for command in commands():
            text = json.dumps(command)
            self.assertIsNone(C_WORDS.search(text), f"{command['name']}: {C_WORDS.search(text)}")

    def test_nor_in_errors(self):
        self.create(capacity=5)
        with open(self.path("bad"), "wb") as file:
            file.write(b"no queue" * 100)
        for words in [("create", "q", "--capacity", 6), ("create", "x", "--capacity", "3G"), ("create", "x", "--permissions", "0666"),
                      ("create", "x", "--max-message", "64G"), ("create", "q", "--exclusive"), ("stat", "bad"), ("stat", "none"),
                      ("create", "x", "--capacity", "2G", "--max-message", "1G"), ("create", "x", "--max-held", "9G"),
                      ("create", "x" * 201), ("create", "x", "--directory", "/proc"), ("create", "x", "--directory", "/x" * 3000)]:
            with self.subTest(words):
                done = subprocess.run(self.arguments(words), capture_output=True, text=True, check=False)
                self.assertIn(done.returncode, (2, 3))
                self.assertIsNone(C_WORDS.search(done.stderr), done.stderr)
                self.assertNotRegex(done.stderr, r"\bregion\b|max_\w+|\bflags\b|\bunlink\b")

    def test_json_wherever_something_is_printed(self):
        for command in commands()[1:]:
            names = [name for option in command["options"] for name in option["names"]]
            self.assertIn("--json", names, command["name"])


if __name__ == "__main__":
    main()
