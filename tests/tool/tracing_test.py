"""The scripts for bpftrace in c/tools/tracing, run beside cq. Where bpftrace cannot work at all, `probes` still looks at the probes."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from support import CQ, NOTHING, PATIENCE, ROOT, CommandTest, main

SCRIPTS = os.path.join(ROOT, "c/tools/tracing")
# With tracefs where bpftrace looks for it, but for itself alone.
OWN_MOUNTS = ["unshare", "--mount", "sh", "-c", "mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; exec \"$@\"", "sh"]


def libc():
    with open("/proc/self/maps", encoding="ascii") as maps:
        return next(line.split()[-1] for line in maps if re.search(r"/libc[.-]", line))


def can_trace():
    """Can it attach anything to a program here? Asked of a program that has nothing to do with cqueue."""
    if os.geteuid() != 0 or not shutil.which("bpftrace") or not shutil.which("unshare"):
        return False
    with open(CQ, "rb") as file:
        if b"stapsdt" not in file.read():
            return False
    program = "uprobe:" + libc() + ":getpid { @ = count(); } interval:ms:100 { exit(); }"
    return subprocess.run([*OWN_MOUNTS, "bpftrace", "-e", program], capture_output=True, timeout=PATIENCE, check=False).returncode == 0


@unittest.skipUnless(can_trace(), "bpftrace cannot work here")
class TracingTest(CommandTest):
    def trace(self, script):
        """Starts it; what it is given back by ends it, and returns what it has printed."""
        with open(os.path.join(SCRIPTS, script), encoding="ascii") as file:
            text = file.read()
        with tempfile.NamedTemporaryFile("w", suffix=".bt") as copy:
            copy.write(text + 'interval:ms:100 { printf("tick\\n"); }\n')
            copy.flush()
            tracer = subprocess.Popen([*OWN_MOUNTS, "bpftrace", "-B", "none", copy.name, CQ], stdout=subprocess.PIPE, bufsize=0,
                                      stderr=subprocess.STDOUT)
            self.addCleanup(self.finish, tracer)
            said = b""
            while b"tick" not in said: # all is attached by then
                said += self.read_line(tracer.stdout)

        def end():
            tracer.send_signal(signal.SIGINT)
            return (said + tracer.communicate(timeout=PATIENCE)[0]).decode()
        return end

    def test_latency_tells_how_long_messages_wait_and_are_held(self):
        self.create()
        end = self.trace("latency.bt")
        self.put(b"1", b"2", b"3")
        self.run_cq("get", "q", "--count", 2)
        self.run_cq("work", "q", "--all", "--", "sleep", "0.05")
        said = end()
        for what in ["waited", "held"]:
            self.assertRegex(said, rf"@{what}_us\[{self.path()}\]: *\n\[", said)
        block = said.split(f"@waited_us[{self.path()}]")[1].split("\n\n")[0]
        counts = [int(count) for count in re.findall(r"\) +(\d+) \|", block)]
        self.assertEqual(sum(counts), 3, said)

    def test_waits_tells_who_finds_nothing_and_sleeps(self):
        self.create(capacity=1)
        end = self.trace("waits.bt")
        self.run_cq("get", "q", "--wait", "100ms", code=NOTHING)
        put = self.start_cq("put", "q", stdin=subprocess.PIPE)
        put.stdin.write(b"1\n2\n")
        put.stdin.close()
        self.until(lambda: self.stat()["waiting_producers"] == 1)
        self.run_cq("get", "q", "--count", 2, "--wait", "1m")
        self.assertEqual(put.wait(PATIENCE), 0)
        said = end()
        for what in [r"@empty\[cq, ", r"@full\[cq, "]:
            self.assertRegex(said, what + self.path() + r"\]: [1-9]", said)
        for what in ["for a message", "for room"]:
            self.assertRegex(said, rf"@slept_us\[cq, {what}\]: *\n\[", said)

    def test_care_tells_of_the_dead(self):
        self.create()
        self.put(b"1")
        end = self.trace("care.bt")
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        get = self.start_cq("get", "q", "--follow", stdout=writer)
        os.close(writer)
        self.until(lambda: self.stat()["waiting_consumers"] == 1)
        get.kill()
        get.wait()
        self.until(lambda: self.run_cq("doctor", "q").out and self.stat()["reaped"] == 1)
        said = end()
        self.assertRegex(said, rf"{self.path()}: cq cleaned up after handle \d+ of process {get.pid}\n", said)
        self.assertRegex(said, rf"@looks\[cq, {self.path()}\]: [1-9]", said)


if __name__ == "__main__":
    main()
