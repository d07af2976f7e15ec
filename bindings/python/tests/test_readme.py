"""What README.md shows works as it stands there."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

README = pathlib.Path(__file__).parent.parent / "README.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_there_are_some():
    assert len(SNIPPETS) == 10


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_a_snippet(number, tmp_path):
    # In the shared memory of all, as a reader would run it, but under names of its own.
    name = f"python-readme-{os.getpid()}"
    program = tmp_path / "snippet.py"
    program.write_text(re.sub(r'"orders(-[a-z]+)?"', rf'"{name}\1"', SNIPPETS[number]), "utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-W", "error", program], capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    finally:
        for left in pathlib.Path("/dev/shm").glob(f"cqueue.{name}*"):
            left.unlink()
