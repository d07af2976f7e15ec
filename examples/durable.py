#!/usr/bin/env python3
"""durable.py --cq CQ [--directory DIRECTORY] [--rounds N]: orders survive what a reboot does, and the account is exact.

Two producers put orders into a durable queue (`cq put --sync --ack`), a consumer takes some. At a random moment all of
them are killed and the region is removed, as a reboot does; then everybody starts again. In the end each order whose
number was printed by --ack came out, and what came twice is marked so.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import threading
import time

NAME = "durable-example-%d" % os.getpid()
REGION = pathlib.Path("/dev/shm/cqueue." + NAME)


class Producer(threading.Thread):
    """Puts orders as long as it lives; knows which were acknowledged."""

    def __init__(self, cq, who, first):
        super().__init__()
        self.orders = (f"{who}-{first + i}" for i in range(10 ** 9))
        self.sent, self.acknowledged = [], 0
        self.process = subprocess.Popen([cq, "put", NAME, "--sync", "--ack"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self):
        feeder = threading.Thread(target=self.feed)
        feeder.start()
        for _ in self.process.stdout:
            self.acknowledged += 1
        feeder.join()

    def feed(self):
        try:
            for order in self.orders:
                self.sent.append(order)
                self.process.stdin.write(order.encode() + b"\n")
                self.process.stdin.flush()
        except OSError:
            pass  # it was killed


class Consumer(threading.Thread):
    """Takes orders, and keeps each with its deliveries."""

    def __init__(self, cq, words):
        super().__init__()
        self.taken = []
        self.process = subprocess.Popen([cq, "get", NAME, "--json", *words], stdout=subprocess.PIPE)

    def run(self):
        for line in self.process.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                continue  # killed in the middle of a line: what it says comes again
            self.taken.append((message["text"], message["deliveries"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cq", required=True)
    parser.add_argument("--directory", default="/var/tmp")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    disk = tempfile.mkdtemp(dir=options.directory)
    acknowledged, sent, taken = set(), set(), collections.defaultdict(list)
    try:
        subprocess.run([options.cq, "create", NAME, "--durable", "--directory", disk, "--max-message", "64", "-q"], check=True)
        for life in range(options.rounds):
            workers = [Producer(options.cq, f"{who}{life}", 0) for who in "ab"]
            # It leaves something behind; the last one, in the end, takes all.
            workers.append(Consumer(options.cq, ["--count", "20"]))
            for worker in workers:
                worker.start()
            time.sleep(random.uniform(0.2, 0.8))
            for worker in workers:
                worker.process.kill()
            for worker in workers:
                worker.join()
                worker.process.wait()
                if isinstance(worker, Producer):
                    acknowledged.update(worker.sent[: worker.acknowledged])
                    sent.update(worker.sent)
                else:
                    for text, deliveries in worker.taken:
                        taken[text].append(deliveries)
            REGION.unlink(missing_ok=True)  # unless they were killed before one of them had made it anew
        last = Consumer(options.cq, ["--all"])
        last.start()
        last.join()
        for text, deliveries in last.taken:
            taken[text].append(deliveries)
    finally:
        subprocess.run([options.cq, "rm", "--force", "--durable", NAME], check=False)
        shutil.rmtree(disk)
    lost = acknowledged - set(taken)
    invented = set(taken) - sent
    unmarked = [text for text, deliveries in taken.items() if len(deliveries) > 1 and min(deliveries[1:]) < 2]
    again = sum(len(deliveries) > 1 for deliveries in taken.values())
    print(f"{options.rounds} reboots, {len(acknowledged)} orders acknowledged, {len(taken)} came out, {again} of them again and "
          f"marked, {len(lost)} lost, {len(invented)} invented, {len(unmarked)} unmarked")
    raise SystemExit(bool(lost or invented or unmarked))


if __name__ == "__main__":
    main()
