#!/usr/bin/env python3
"""stats.py CQUEUE_H: write Stats.java, made of the header's cq_stats, so that nobody counts its fields.

It owns how a field and its comment look in Java. What the fields mean is the header's matter.
"""

import re
import sys
import textwrap

# What the header says in C's words.
WORDS = {
    "given back by cq_return": "given back",
    "nor returned": "nor given back",
    "cq_enqueue_wait": "a put or an offer",
    "cq_dequeue_wait or cq_take_wait": "a take or a poll",
    "cq_enqueue": "offer",
    "CQ_FULL": "a full queue",
    "1: the name no longer leads to this region; 0: it does": "whether the name no longer leads to this queue",
    "nanoseconds since 1970-01-01 UTC": "when",
    "`capacity`": "{@code capacity}",
    "cq_enqueue_from": "CQueue.offerFrom",
    "cq_return_after": "Received.giveBack(Duration)",
    "nanoseconds; 0: no limit": "how old a message may become; 0: any age",
    "nanoseconds since the oldest": "how long ago the oldest",
    "1: messages have the times at which they were enqueued; 0: they do not": "whether messages have times",
    "1: the queue has one consumer at a time; 0: any number": "whether the queue has one consumer at a time",
    "1: it was created with CQ_DURABLE": "whether it survives power cuts",
    "the region's, random:": "the region's, random, as 32 hexadecimal digits:",
}
# Of the fields that are no plain numbers: type, and how it is made of one.
TYPES = {"time_to_live": ("Duration", "Duration.ofNanos(raw.getTime_to_live())"),
         "oldest_age": ("Duration", "Duration.ofNanos(raw.getOldest_age())"),
         "enqueue_times": ("boolean", "raw.getEnqueue_times() != 0"),
         "exclusive_consumer": ("boolean", "raw.getExclusive_consumer() != 0"),
         "dead_letter": ("String", "raw.getDead_letter()"), "durable": ("boolean", "raw.getDurable() != 0"), "created": ("Instant", "instant(raw.getCreated())"), "unlinked": ("boolean", "raw.getUnlinked() != 0"),
         "id": ("String", "raw.getId()")}

HEAD = '''/* Made by bindings/java/generate from cqueue.h. Do not edit. */
package io.cqueue;

import java.time.Duration;
import java.time.Instant;

/**
 * What is known about a queue. Counts are since its creation; those of operations that are under way or were cut short by
 * death may be off by these. Of the threads that wait on a handle of Java's, one is counted.
 *
'''
TAIL = '''
    /** Of nanoseconds since 1970-01-01 UTC. */
    static Instant instant(long nanoseconds) {
        return Instant.ofEpochSecond(Math.floorDiv(nanoseconds, 1_000_000_000L), Math.floorMod(nanoseconds, 1_000_000_000L));
    }
}
'''


def fields(header):
    body = re.search(r"typedef struct cq_stats \{(.*?)\} cq_stats;", header, re.DOTALL)[1]
    body = re.sub(r"^\s*/\*.*?\*/", "", body, flags=re.DOTALL | re.MULTILINE)  # of several fields
    for c_type, name, comment in re.findall(r"(\w+) (\w+)(?:\[\d+\])?;(?:\s*/\*(.*?)\*/)?", body, re.DOTALL):
        if name not in ("struct_size", "reserved"):
            yield c_type, name, " ".join(comment.split())


def camel(name):
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        found = list(fields(file.read()))
    out = HEAD
    parameters, values = [], []
    for c_type, name, comment in found:
        for word, own in WORDS.items():
            comment = comment.replace(word, own)
        getter = f"raw.get{name[0].upper()}{name[1:]}()"
        number = {"uint32_t": ("int", f"(int) {getter}"), "int32_t": ("int", getter)}.get(c_type, ("long", getter))
        java_type, value = TYPES.get(name, number)
        out += textwrap.fill(f"@param {camel(name)} {comment}", 118, initial_indent=" * ", subsequent_indent=" *     ") + "\n"
        parameters.append(f"        {java_type} {camel(name)}")
        values.append(f"                {value}")
    out += " */\npublic record Stats(\n" + ",\n".join(parameters) + ") {\n\n"
    out += "    static Stats of(cq_stats raw) {\n        return new Stats(\n" + ",\n".join(values) + ");\n    }\n"
    sys.stdout.write(out + TAIL)


if __name__ == "__main__":
    main()
