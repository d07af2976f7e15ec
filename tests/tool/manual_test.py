"""Man pages and completions: they say what the command says, and shells complete with them."""

import os
import shutil
import subprocess
import unittest

from support import CQ, PATIENCE, ROOT, CommandTest, main

TOOLS = os.path.join(ROOT, "c/tools")
try:
    from screen import Screen
except ImportError:
    Screen = None

COMPLETIONS = os.path.join(TOOLS, "completions")


class ManualTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.create("orders")
        self.create("invoices")
        os.symlink(CQ, os.path.join(self.directory, "cq"))
        self.environment = {**os.environ, "CQ_DIRECTORY": self.directory, "PATH": self.directory + ":" + os.environ["PATH"],
                            "HOME": self.directory, "TERM": "dumb"}

    def run_shell(self, *words):
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, check=False, timeout=PATIENCE,
                              stdin=subprocess.DEVNULL)
        self.assertEqual(done.stderr, "")
        return done.stdout.split("\n")

    @unittest.skipUnless(shutil.which("scdoc"), "no scdoc")
    def test_they_are_what_the_command_says(self):
        done = subprocess.run([os.path.join(TOOLS, "generate"), CQ, "--check"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    @unittest.skipUnless(shutil.which("man"), "no man")
    def test_man_reads_the_pages(self):
        for name in sorted(os.listdir(os.path.join(TOOLS, "manual"))):
            path = os.path.join(TOOLS, "manual", name)
            done = subprocess.run(["man", "--warnings", "-l", path], capture_output=True, text=True, check=False,
                                  env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"})
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertIn("EXIT STATUS", done.stdout)

    def bash(self, line):
        script = f"""source {COMPLETIONS}/cq.bash
            COMP_WORDS=({line}); [[ '{line}' == *' ' ]] && COMP_WORDS+=('')
            COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _cq; printf '%s\\n' "${{COMPREPLY[@]}}\""""
        return [word for word in self.run_shell("bash", "-c", script) if word]

    def test_bash_completes(self):
        self.assertEqual(self.bash("cq re"), ["resize", "rename", "restore"])
        self.assertEqual(self.bash("cq put "), ["invoices", "orders"])
        self.assertEqual(self.bash("cq get o"), ["orders"])
        self.assertEqual(self.bash("cq create o"), [])
        self.assertEqual(self.bash("cq work orders --dead"), ["--dead-letter"])
        self.assertEqual(self.bash("cq work orders --dead-letter in"), ["invoices"])
        self.assertEqual(self.bash("cq get orders --wait "), [])
        self.assertEqual(self.bash("cq help pu"), ["put", "purge"])
        self.assertEqual(self.bash(f"cq --directory {self.directory} peek inv"), ["invoices"])

    @unittest.skipUnless(shutil.which("fish"), "no fish")
    def test_fish_completes(self):
        def complete(line):
            return [word.split("\t")[0] for word in
                    self.run_shell("fish", "--no-config", "-c", f"source {COMPLETIONS}/cq.fish; complete -C '{line}'") if word]
        self.assertEqual(sorted(complete("cq res")), ["resize", "restore"])
        self.assertEqual(complete("cq put o"), ["orders"])
        self.assertEqual(complete("cq work orders --dead-letter in"), ["invoices"])
        self.assertIn("--max-deliveries", complete("cq work --max"))

    @unittest.skipUnless(shutil.which("zsh") and Screen, "no zsh, or no pyte")
    def test_zsh_completes(self):
        screen = Screen(["zsh", "-f", "-i"], **{**self.environment, "TERM": "xterm"})
        self.addCleanup(screen.close)
        screen.press(f"PS1=; fpath=({COMPLETIONS} $fpath); autoload -U compinit; compinit -u -D; clear; echo rea''dy", "enter")
        screen.until(lambda text: "\nready" in text or text.startswith("ready"))
        screen.press("cq put or\t")
        screen.until(lambda text: "cq put orders" in text)
        screen.press("x\x15cq res\t")
        screen.until(lambda text: "resize" in text and "restore" in text)


if __name__ == "__main__":
    main()
