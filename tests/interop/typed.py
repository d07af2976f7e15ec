"""Typed messages: a value that any language sends, as JSON or as a struct, is one to each other; what is none stays."""

import base64
import json
import struct
from concurrent.futures import ThreadPoolExecutor

import workers
from place import Place
from workers import Worker

VALUE = {"id": 7, "name": "tea", "price": 2.5}
SHOWN = "7 tea 2.5"
STRUCT = struct.Struct("<i4xd8s")  # what the padding is, is the sender's business
MESSAGES = {"json": json.dumps(VALUE).encode(), "struct": STRUCT.pack(7, 2.5, b"tea")}
WITHOUT_JSON = {"c", "cpp"}
CAPACITY = 10


def speakers(languages, form):
    return [language for language in languages if form != "json" or language not in WITHOUT_JSON]


def is_value(form, message):
    try:
        if form == "json":
            return json.loads(message) == VALUE
        return STRUCT.unpack(message) == STRUCT.unpack(MESSAGES[form])
    except (ValueError, struct.error):
        return False


def waiting(place):
    """The bytes of each message, and which delivery of it the next one is."""
    for line in Worker(place, "c", "walk").wait().splitlines():
        _, deliveries, text = line.split()
        yield bytes.fromhex(text), int(deliveries)


def check_pairs(languages, form, receiver):
    """All send to one; the problems."""
    with Place(CAPACITY, len(MESSAGES[form])) as place:
        try:
            for sender in languages:
                Worker(place, sender, "put-typed", format=form, count=1).wait()
            sent = [message for message, _ in waiting(place)]
            shown = Worker(place, receiver, "get-typed", format=form, count=len(languages)).wait().splitlines()
        except workers.Failure as failure:
            return [str(failure)]
        problems = place.check_stat(length=0, enqueued=len(languages), dequeued=len(languages), redelivered=0)
    for sender, message, text in zip(languages, sent, shown):
        if not is_value(form, message):
            problems.append(f"{sender} sent {message!r} as {form}")
        if text != SHOWN:
            problems.append(f"{receiver} received from {sender}, as {form}: {text!r}")
    return problems


def check_undecodable(languages, form):
    """A message that is cut off is met by one language after the other; the problems."""
    bad = MESSAGES[form][:-1]
    problems = []
    with Place(CAPACITY, len(MESSAGES[form])) as place:
        place.cq("put", "--base64", stdin=base64.b64encode(bad) + b"\n")
        try:
            for delivery, language in enumerate(languages, 2):
                shown = Worker(place, language, "get-typed", format=form, count=1).wait()
                if shown != f"undecodable {bad.hex()}\n":
                    problems.append(f"{language} said of {bad!r} as {form}: {shown!r}")
                left = list(waiting(place))
                if left != [(bad, delivery)]:
                    problems.append(f"{language} left {left} in the queue, expected {[(bad, delivery)]}")
        except workers.Failure as failure:
            return problems + [str(failure)]
    return problems


def run(report, languages, _):
    with ThreadPoolExecutor(len(languages)) as pool:
        for form in MESSAGES:
            able = speakers(languages, form)
            pairs = {receiver: pool.submit(check_pairs, able, form, receiver) for receiver in able}
            for receiver, problems in pairs.items():
                report.group(f"{' '.join(able)} -> {receiver}, as {form}", len(able), problems.result())
            if able:
                report.group(f"undecodable as {form}", len(able), check_undecodable(able, form))
