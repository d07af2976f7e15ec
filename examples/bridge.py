#!/usr/bin/env python3
"""The job of examples/run bridge: orders of a Go service on one machine are handled by a Rust program on another.

Between the two: cq-bridge, NATS, and cq-bridge again. Each of these is killed on the way. The end is an account of every
order. The machines are namespaces with a network and a /dev/shm of their own, or where those cannot be made just names.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ORDERS = 40000
PATIENCE = 100  # seconds; nothing takes so long unless something is wrong
HANDLED = re.compile(r"rust: handled order (\d+) from go \(delivery (\d+)\)")

BRIDGES = {
    "a": """routes:
  - from: {queue}
    to: {{url: nats://{server}, subject: orders.eu, create: true}}
    backoff: {{min: 20ms, max: 200ms}}
""",
    "b": """routes:
  - from: nats://{server}/orders.eu
    to: {queue}
    backoff: {{min: 20ms, max: 200ms}}
""",
}


def works(*command):
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False).returncode == 0
    except FileNotFoundError:
        return False


class Machines:
    """Two network namespaces with a cable between them, each with a folder for its /dev/shm."""

    def __init__(self, memory):
        self.folder, self.names = memory, {key: f"cq-{os.getpid()}-{key}" for key in "ab"}
        a, b = self.names.values()
        self.real = (works("ip", "netns", "add", a) and works("ip", "netns", "add", b) and
                     works("ip", "link", "add", "cable", "netns", a, "type", "veth", "peer", "name", "cable", "netns", b))
        for number, (key, name) in enumerate(self.names.items(), 1):
            os.mkdir(self.memory(key))
            self.real = (self.real and works("ip", "-n", name, "address", "add", f"10.213.7.{number}/24", "dev", "cable") and
                         works("ip", "-n", name, "link", "set", "cable", "up") and
                         works("ip", "-n", name, "link", "set", "lo", "up") and works(*self.on(key, ["true"], True)))
        self.server = "10.213.7.2" if self.real else "127.0.0.1"

    def memory(self, key):
        return os.path.join(self.folder, key)

    def on(self, key, command, real=None):
        """The command, as it is run on that machine."""
        if not (self.real if real is None else real):
            return command
        mount = f"mount --bind {self.memory(key)} /dev/shm && "
        return ["ip", "netns", "exec", self.names[key], "unshare", "--mount", "sh", "-c", mount + 'exec "$@"', "sh", *command]

    def remove(self):
        for name in self.names.values():
            works("ip", "netns", "delete", name)


class Job:
    def __init__(self, cq, programs, scratch, memory):
        self.cq_command, self.programs, self.scratch = cq, programs, scratch
        self.machines = Machines(memory)
        self.queues = {key: f"orders-{os.getpid()}-{key}" for key in "ab"}
        self.server = f"{self.machines.server}:{20000 + os.getpid() % 10000}"
        self.processes = {}

    def cq(self, key, command, *words):
        return subprocess.run(self.machines.on(key, [self.cq_command, command, self.queues[key], *words]),
                              stdout=subprocess.PIPE, text=True, check=True).stdout

    def start(self, name, key, *command):
        with open(os.path.join(self.scratch, name), "ab") as file:
            self.processes[name] = (key, command, subprocess.Popen(self.machines.on(key, list(command)), stdout=file, stderr=file,
                                                                   stdin=subprocess.DEVNULL))

    def kill(self, name):
        key, command, process = self.processes[name]
        process.kill()
        process.wait()
        self.start(name, key, *command)

    def output(self, name):
        with open(os.path.join(self.scratch, name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def until(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            for name, (_, _, process) in self.processes.items():
                if process.poll() not in (None, 0):
                    raise SystemExit(f"{name} ended with {process.returncode}")
            if time.monotonic() > end:
                raise SystemExit(f"waited {PATIENCE} s in vain: {what}")
            time.sleep(0.01)

    def handled(self):
        return [(int(order), int(delivery)) for order, delivery in HANDLED.findall(self.output("consumer"))]

    def bridge(self, key):
        file = os.path.join(self.scratch, f"bridge-{key}.yaml")
        with open(file, "w", encoding="utf-8") as out:
            out.write(BRIDGES[key].format(queue=self.queues[key], server=self.server))
        self.start("bridge-" + key, key, self.cq_command, "bridge", "run", file)

    def run(self):
        print("machines: " + ("two network namespaces, each with a /dev/shm of its own" if self.machines.real else
                              "this one alone, because namespaces cannot be made here"))
        for language, program in [("go", "produce"), ("rust", "acknowledge")]:  # which builds it, where there is a network
            subprocess.run([os.path.join(HERE, language, "run"), program, self.queues["a"], "0"], check=True,
                           stdout=subprocess.DEVNULL)
        subprocess.run([self.cq_command, "rm", "--force", self.queues["a"]], check=True)
        for key in "ab":
            self.cq(key, "create", "--quiet", "--capacity", "1000", "--max-message", "256")  # as the programs ask for
        host, port = self.server.split(":")
        self.start("server", "b", os.path.join(self.programs, "nats-server"), "--addr", host, "--port", port, "--jetstream",
                   "--store_dir", os.path.join(self.scratch, "jetstream"))
        self.bridge("a")
        self.until(lambda: "orders.eu" in self.output("bridge-a"), "bridge a runs")
        self.start("service", "a", os.path.join(HERE, "go", "run"), "produce", self.queues["a"], str(ORDERS))
        self.bridge("b")
        self.until(lambda: json.loads(self.cq("b", "stat", "--json"))["enqueued"] > 0, "the first order arrives")
        self.start("consumer", "b", os.path.join(HERE, "rust", "run"), "acknowledge", self.queues["b"], str(ORDERS))
        killed = 0
        for victim in ["bridge-a", "bridge-b", "server", "bridge-b", "bridge-a", "server", "bridge-a", "bridge-b"]:
            killed += 1
            self.until(lambda: len(self.handled()) > ORDERS * killed // 10, "orders pass")
            self.kill(victim)
            print(f"killed {victim} after {len(self.handled())} orders")
        self.until(lambda: len(self.handled()) >= ORDERS, "all orders are handled")
        return killed

    def account(self, killed):
        numbers = [order for order, _ in self.handled()]
        lost, doubled = ORDERS - len(set(numbers)), len(numbers) - len(set(numbers))
        disordered = sum(1 for before, after in zip(numbers, numbers[1:]) if after < before)
        print(f"{ORDERS} orders sent, {len(numbers)} handled, {killed} times killed: "
              f"{lost} lost, {doubled} doubled, {disordered} out of order")
        return lost == doubled == disordered == 0

    def stop(self):
        for _, _, process in self.processes.values():
            process.kill()
            process.wait()
        for key in "ab":
            subprocess.run(self.machines.on(key, [self.cq_command, "rm", "--force", self.queues[key]]), check=False,
                           stderr=subprocess.DEVNULL)
        self.machines.remove()


def main():
    parser = argparse.ArgumentParser(prog="examples/run bridge", description=__doc__)
    parser.add_argument("--cq", required=True, help="the cq command")
    parser.add_argument("--programs", required=True, help="the folder of cq-bridge and nats-server")
    options = parser.parse_args()
    os.environ["PATH"] = options.programs + os.pathsep + os.environ["PATH"]
    with tempfile.TemporaryDirectory(prefix="cq-bridge-") as scratch, \
            tempfile.TemporaryDirectory(prefix="cq-bridge-", dir="/dev/shm") as memory:
        job = Job(os.path.abspath(options.cq), os.path.abspath(options.programs), scratch, memory)
        well = False
        try:
            well = job.account(job.run())
        finally:
            job.stop()
            if not well:
                for name in job.processes:
                    print(f"--- {name}\n{job.output(name)[-2000:]}", file=sys.stderr)
        return 0 if well else 1


sys.exit(main())
