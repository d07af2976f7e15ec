"""A region made by each language is opened by each other, and what cannot be opened gives every language the same words."""

import struct

from place import Place
from workers import Worker

FORMAT_VERSION_OFFSET = 8  # c/FORMAT.md; the version is 1
FIX = "ask for what it has (or 0, whatever it has), or unlink it first"

# The region has capacity 4096 and max_message_size 128, or does not exist: how it is opened, what is said.
CASES = [
    ("another capacity", "q", {"capacity": 1024}, f'CQ_EMISMATCH: "q": region has capacity 4096, asked for 1024: {FIX}'),
    ("another size", "q", {"max_size": 64, "flags": "attach"},
     f'CQ_EMISMATCH: "q": region has max_message_size 128, asked for 64: {FIX}'),
    ("both", "q", {"capacity": 1, "max_size": 129},
     'CQ_EMISMATCH: "q": region has capacity 4096, asked for 1; and max_message_size 128, asked for 129: ' + FIX),
    ("the same", "q", {"capacity": 4096, "max_size": 128}, "ok 4096 128"),
    ("to look on", "q", {"flags": "read-only"}, "ok 4096 128"),
    ("exclusive", "q", {"flags": "exclusive"},
     'CQ_EEXIST: "q": exists in {directory} already: attach to it, or unlink it first'),
    ("no such queue", "none", {"flags": "attach"},
     'CQ_ENOENT: "none": no queue of that name in {directory}: create it first, or check the directory'),
    ("a bad name", "a/b", {},
     'CQ_ENAME: "a/b": a name is 1 to 200 of A-Z a-z 0-9 . _ - and begins with a letter or digit'),
    ("another format version", "later", {},
     'CQ_EVERSION: "later": region has format version 2, this library has 1: use the same version of cqueue on both sides, '
     "or drain the queue with the old one and unlink it"),
    ("no region", "text", {},
     'CQ_ECORRUPT: "text": {directory}/cqueue.text is no region of cqueue, or its bytes contradict each other: unlink it and '
     "create it anew (its messages are lost)"),
]


# What languages call it that have other names for it than C.
SIZE_NAMES = {"go": "MaxMessageSize", "java": "maxMessageSize"}


def in_words_of(language, text):
    return text.replace("max_message_size", SIZE_NAMES.get(language, "max_message_size"))


def open_all(place, languages, **options):
    """What each says that opens the queue, all of them at once."""
    started = {language: Worker(place, language, "open", **options) for language in languages}
    return {language: worker.wait().rstrip("\n") for language, worker in started.items()}


def run(report, languages, _):
    for creator in languages:
        with Place() as place:
            made = Worker(place, creator, "open", capacity=100, max_size=57, flags="exclusive").wait()
            problems = [] if made == "ok 100 57\n" else [f"{creator} created it and said: {made}"]
            said = open_all(place, languages, flags="attach")
            problems += [f"{language} said: {text}" for language, text in said.items() if text != "ok 100 57"]
            report.group(f"created by {creator}, opened by each", 1 + len(languages), problems)

    with Place(4096, 128) as place:
        Worker(place, languages[0], "open", name="later", capacity=4096, max_size=128).wait()
        with open(place.region("later"), "r+b") as file:
            file.seek(FORMAT_VERSION_OFFSET)
            file.write(struct.pack("<I", 2))
        with open(place.region("text"), "w", encoding="ascii") as file:
            file.write("This is a text.\n" * 300)
        for case, name, options, expected in CASES:
            expected = expected.format(directory=place.directory)
            said = open_all(place, languages, name=name, **options)
            report.group(f"opening, {case}", len(languages), [
                f"{language} said: {text}\n{'expected:':>{len(language) + 6}} {in_words_of(language, expected)}"
                for language, text in said.items() if text != in_words_of(language, expected)])
