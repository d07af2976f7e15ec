"""What `layers` and `seam` know of the core's sources: their order, and what a line of the preprocessor may be.

Beyond comments and strings it does not know C: what a name means is the compiler's affair.
"""
import re
from pathlib import Path

# From bottom to top. Each uses what stands before it in this list alone.
ORDER = """
layout os testing trace disk crc32c
handle reach run config geometry facts
slot wake headers seat pin hint mark
region memory create fork home segment
node ends queue source room front orphan fast sweep
state legacy flush collect sync revive durable
participant lease reap
trim
supply
probe lookout
dequeue enqueue
wait
watch claim look
open feed letter consume
copy loan api
explain say shortage
""".split()
# The algorithm, and what it must do without.
ALGORITHM = {"node", "ends", "queue", "source", "room", "front", "orphan", "fast", "sweep", "run", "slot", "hint", "mark"}
NOT_FOR_IT = {"os", "region", "memory", "create", "fork", "participant", "reap"}

DIRECTIVES = set("include define undef if ifdef ifndef elif else endif error".split())


def module(name):
    return {"os_linux": "os", "os_linux_blocks": "os", "os_linux_memory": "os", "os_linux_process": "os", "os_linux_disk": "disk", "say": "explain", "trouble": "explain", "shortage": "explain"}.get(name, name)


def sources(folder):
    return sorted(Path(folder).glob("*.[ch]"))


def is_above(other, own):
    """Is file `other` (without .c or .h) nothing that file `own` may use?"""
    own, other = module(own), module(other)
    return own != other and ORDER.index(other) >= ORDER.index(own)


def code(source):
    """The text as the compiler sees it: lines joined at backslashes, without comments."""
    text = re.sub(r"\\[ \t]*\n", "", source.read_text())
    either = r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|/\*.*?\*/|//[^\n]*"""
    return re.sub(either, lambda match: match.group(1) or " ", text, flags=re.S)


def directives(source):
    """[(word, the whole line)], and the faults of those that could say one thing and do another."""
    text, found, faults = code(source), [], []
    if re.search(r"%:|\?\?[=/]", text):
        faults.append(f"{source.name} writes # or \\ in another way")
    for line in re.findall(r"^\s*#.*", text, re.M):
        line = line.strip()
        word = re.match(r"#\s*(\w*)", line).group(1)
        if word not in DIRECTIVES:
            faults.append(f"{source.name} has a directive of another kind: {line}")
        elif word == "include" and not re.fullmatch(r'#include ("\w+\.h"|<(\w+/)*\w+\.h>)', line):
            faults.append(f'{source.name} includes in another way than #include "name.h" or <name.h>: {line}')
        else:
            found.append((word, line))
    return found, faults


def includes(source):
    """The names, without .h, of what is included: (in quotes, in angle brackets)."""
    lines = [line for word, line in directives(source)[0] if word == "include"]
    return ([line[10:-3] for line in lines if line[9] == '"'], [line[10:-3] for line in lines if line[9] == "<"])
