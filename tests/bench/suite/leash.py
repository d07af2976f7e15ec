"""leash.py COMMAND...: run the command; end it and all that it started if this process is asked to.

It is asked to by the kernel, when its parent dies: that signal (PR_SET_PDEATHSIG) reaches children alone, not theirs.
"""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def children(process):
    try:
        return [
            int(child)
            for task in Path(f"/proc/{process}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def end(*_):
    """Orphans become children of this process, so this finds them all, however often they fork."""
    while found := children(os.getpid()):
        for child in found:
            for process in (*children(child), child):
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        for child in found:
            try:
                os.waitpid(child, os.WNOHANG)
            except ChildProcessError:
                pass
    os._exit(1)


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, end)
    code = subprocess.call(sys.argv[1:])
    if children(os.getpid()):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os._exit = lambda _, leave=os._exit: leave(code & 255)
        end()
    sys.exit(code & 255)
