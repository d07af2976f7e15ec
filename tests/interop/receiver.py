"""A consumer that is started again when nothing came for so long that it ended, as long as more is to come.

So nothing depends on how slowly anybody starts, and all the same it is seen that consumers end by themselves.
"""

import records
from workers import Failure, Worker, until

IDLE_MS = 1000


class Receiver:
    def __init__(self, place, language, method, log):
        self.name = f"{language} by {method}"
        self.log = place.path(log)
        self.arguments = (place, language, "consume")
        self.options = {"method": method, "log": self.log, "idle_ms": IDLE_MS}
        self.start()

    def start(self):
        self.worker = Worker(*self.arguments, **self.options)

    def keep_up(self):
        if self.worker.ended_well():
            self.start()

    def records(self):
        return records.read_log(self.log)


def send_and_receive(place, producers, receivers):
    """Until these producers have ended."""

    def sent():
        for receiver in receivers:
            receiver.keep_up()
        return all([producer.ended_well() for producer in producers])

    try:
        until(sent, "producers do not end")
    except Failure as failure:
        names = [worker.name for worker in [*producers, *(receiver.worker for receiver in receivers)] if worker.code is None]
        raise Failure(f"{failure}: {', '.join(names)}; cq_stat: {place.stat()}") from None


def receive_rest(place, receivers):
    """All that is left, once nobody sends any more."""
    for receiver in receivers:
        until(receiver.worker.ended_well, f"{receiver.worker.name} does not end")
    while place.stat()["length"]:
        receivers[0].start()
        receivers[0].worker.wait()
