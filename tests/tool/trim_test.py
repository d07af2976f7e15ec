"""`cq trim`, `--max-memory` and `--reserve`: memory as people ask for it, in the file system and in a cgroup."""

import json
import os
import re
import subprocess

from support import CQ, USAGE, CommandTest, main


class TrimTest(CommandTest):
    def stat(self):
        return json.loads(self.run_cq("stat", "q", "--json").out)

    def test_trim_gives_back_what_holds_no_message(self):
        self.run_cq("create", "q", "--capacity", "10000", "--max-message", "1000")
        self.put(*[b"x" * 1000] * 3000)
        self.run_cq("get", "q", "--count", "3000")
        before = self.stat()["memory"]
        self.assertGreater(before, 1 << 20)
        self.assertIn(b"given back", self.run_cq("trim", "q").out)
        after = self.stat()
        self.assertLess(after["memory"], 1 << 20)
        self.assertGreater(after["trimmed"], 1 << 20)

    def test_a_limit_is_kept_and_told(self):
        self.run_cq("create", "q", "--capacity", "100000", "--max-memory", "4M", "--reserve", "1M")
        stat = self.stat()
        self.assertEqual((stat["max_memory"], stat["reserve"]), (4 << 20, 1 << 20))
        self.assertIn(b"limit of 4.0 MiB", self.run_cq("doctor", "q").out)
        self.run_cq("create", "q2", "--max-memory", "1K", code=USAGE)

    def cgroup(self, size):
        """A cgroup whose processes may have so many bytes of memory together; skips the test where none can be made."""
        old = os.path.isdir("/sys/fs/cgroup/memory")
        group = "/sys/fs/cgroup/%scqtest-%d" % ("memory/" if old else "", os.getpid())
        try:
            os.mkdir(group)
            self.addCleanup(os.rmdir, group)
            with open(group + ("/memory.limit_in_bytes" if old else "/memory.max"), "w") as file:
                file.write(str(size))
        except OSError as error:
            self.skipTest("no cgroup can be made here: %s" % error)
        return group

    def doctor_in(self, group, *words):
        script = 'echo $$ > "$0"/cgroup.procs && exec "$@"'
        done = subprocess.run(["bash", "-c", script, group, *self.arguments(["doctor", *words])],
                              stdout=subprocess.PIPE, timeout=120)
        return done.stdout.decode()

    def test_doctor_says_that_the_cgroup_gives_out_before_the_file_system(self):
        group = self.cgroup(40 << 20)
        self.run_cq("create", "large", "--capacity", "100000")
        self.run_cq("create", "limited", "--capacity", "100000", "--max-memory", "16M")
        large, limited, all_of_them = self.doctor_in(group, "large"), self.doctor_in(group, "limited"), self.doctor_in(group)
        told = re.search(r"this process's cgroup is used up, of which (\S+) MiB are left", large)
        self.assertTrue(told, large)
        self.assertLess(float(told[1]), 40)
        self.assertIn("what will give out first is the cgroup's memory", large)
        self.assertNotIn("cgroup", limited)
        self.assertIn("this container has", all_of_them)
        self.assertNotIn("cgroup is used up", self.run_cq("doctor", "limited").out.decode())

    def test_a_cgroup_of_40_mb_meets_the_limit_and_is_drained(self):
        group = self.cgroup(40 << 20)
        name = "cqtest-cgroup-%d" % os.getpid()
        script = """echo $$ > {0}/cgroup.procs
            cq() {{ "$CQ" "$@"; }}
            cq create {1} --quiet --capacity 100000 --max-memory 16M || exit 90
            cq doctor {1} > /dev/null || exit 91
            yes "$(head -c 4000 /dev/zero | tr '\\0' x)" | head -20000 | cq put {1} --no-wait 2> {2}
            [ "${{PIPESTATUS[2]}}" = 1 ] || exit 92
            cq get {1} --all | wc -l
            cq rm {1}""".format(group, name, os.path.join(self.directory, "told"))
        self.addCleanup(subprocess.run, [CQ, "rm", "-f", name], stderr=subprocess.DEVNULL)
        done = subprocess.run(["bash", "-c", script], env=dict(os.environ, CQ=CQ), stdout=subprocess.PIPE, timeout=120)
        self.assertEqual(done.returncode, 0)
        with open(os.path.join(self.directory, "told")) as file:
            self.assertIn("--max-memory", file.read())
        self.assertGreater(int(done.stdout), 2000)


if __name__ == "__main__":
    main()
