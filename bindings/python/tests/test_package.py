"""The package as users get it: built from its source distribution alone, installed elsewhere, for every Python."""

import ast
import dataclasses
import importlib.metadata
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

import pytest
from conftest import LONG

import cqueue_shm
from cqueue_shm import Participant, Recovery, Stats, _raw

PROJECT = pathlib.Path(__file__).parent.parent
HEADER = PROJECT / "c/include/cqueue.h"


def run(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The source distribution, and the wheel that was built from what is in it."""
    folder = tmp_path_factory.mktemp("built")
    # That pyproject.toml names all that building needs was seen when the environment of these tests was made.
    # How fast it is does not matter here, and a compiler that need not optimise is.
    options = [] if LONG else ["--no-isolation", "-Ccmake.build-type=Debug"]
    run(sys.executable, "-m", "build", *options, "--outdir", folder, PROJECT)
    return next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))


def test_the_source_distribution_is_self_contained(built):
    with tarfile.open(built[0]) as archive:
        members = archive.getmembers()
    assert all(member.isreg() for member in members), "a link would lead out of it"
    names = {member.name.partition("/")[2] for member in members}
    assert {"LICENSE", "README.md", "c/src/api.c", "c/include/cqueue.h", "swig/python.i", "tests/conftest.py"} <= names


def test_one_wheel_for_every_python(built):
    assert built[1].name.startswith(f"cqueue_shm-{_raw.CQ_VERSION_STRING}-cp311-abi3-linux_")
    output = run(sys.executable, "-m", "abi3audit", "--strict", "--summary", "--verbose", built[1])
    assert "0 ABI version mismatches and 0 ABI violations" in output


def test_the_module_exports_nothing_but_itself():
    symbols = run("nm", "--dynamic", "--defined-only", "--format=posix", _raw.__file__).split("\n")
    assert [line.split()[0] for line in symbols if line] == ["PyInit__raw"]


TRY = """
import cqueue_shm, sys, tempfile
with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
    with cqueue_shm.Queue("orders", 4, 64, directory=directory) as queue:
        queue.put_many([b"1", b"2"])
        with queue.take() as message:
            assert message.data == b"1"
        with queue.reserve(1) as reservation:
            reservation.data[:] = b"3"
        assert queue.get_many() == [b"2", b"3"]
        try:
            queue.get_nowait()
        except cqueue_shm.Empty:
            print(sys.version_info[0], sys.version_info[1], cqueue_shm.__version__)
"""


def pythons():
    """Every CPython from 3.11 on this machine: those on the path and those of pyenv."""
    folders = [*os.environ["PATH"].split(os.pathsep), *map(str, pathlib.Path.home().glob(".pyenv/versions/*/bin"))]
    found = {}
    for folder in folders:
        for minor in range(11, 30):
            program = os.path.join(folder, f"python3.{minor}")
            if minor not in found and os.access(program, os.X_OK) and subprocess.run(
                [program, "-c", "import venv"], capture_output=True, check=False
            ).returncode == 0:  # fmt: skip
                found[minor] = program
    return found


def test_the_wheel_works_in_an_environment_of_its_own(built, tmp_path):
    tried = sorted({sys.version_info[1]: sys.executable, **pythons()}.items())
    for minor, python in tried if LONG else sorted({tried[0], tried[-1]}):
        venv = tmp_path / f"3.{minor}"
        run(python, "-m", "venv", "--without-pip", venv)
        pip = [sys.executable, "-m", "pip", "--python", venv / "bin/python", "--disable-pip-version-check"]
        run(*pip, "install", "--no-index", built[1])
        assert run(venv / "bin/python", "-W", "error", "-c", TRY, cwd="/") == f"3 {minor} {_raw.CQ_VERSION_STRING}\n"
        shutil.rmtree(venv)


def test_every_function_of_the_header_can_be_reached():
    """By its name or, where Python needs another shape, by what stands for it."""
    stands_for = {
        "cq_close": "handle_close",
        "cq_cancel": "handle_cancel",
        "cq_cancel_reset": "handle_cancel",
        "cq_wait": "wait_for_message",
        "cq_wait_room": "wait_for_room",
        "cq_reserve": "reserve",
        "cq_take": "take",
        "cq_enqueue_wait": "enqueue_patiently",
        "cq_dequeue_wait": "dequeue_patiently",
        "cq_take_wait": "take",
        "cq_sync": "sync_patiently",
        "cq_enqueue_message": "enqueue_message",
        "cq_enqueue_from_wait": "enqueue_message",
        "cq_header_add": "pack_headers",
        "cq_enqueue_batch": "enqueue_batch",
        "cq_dequeue_batch": "dequeue_batch",
    }
    declared = [
        line.split("(")[0].split()[-1].lstrip("*")
        for line in HEADER.read_text("utf-8").split("\n")
        if line.startswith("CQ_API ")
    ]
    assert len(declared) > 25
    methods = {
        "cq_release": _raw.Message.release,
        "cq_return": _raw.Message.give_back,
        "cq_return_after": _raw.Message.give_back,
        "cq_enqueue_time": _raw.Message.enqueue_time,
        "cq_headers": _raw.Message.headers,
        "cq_header_next": _raw.Message.headers,
        "cq_header_find": _raw.Message.headers,
        "cq_set_headers": _raw.Reservation.headers,
        "cq_enqueue_from": _raw.enqueue_message,
        "cq_commit": _raw.Reservation.commit,
        "cq_abort": _raw.Reservation.abort,
    }
    assert [name for name in declared if name not in methods and not hasattr(_raw, stands_for.get(name, name))] == []


@pytest.mark.parametrize(
    ("kind", "struct"), [(Stats, "cq_stats"), (Recovery, "cq_recovery"), (Participant, "cq_participant")]
)
def test_the_dataclasses_have_the_fields_of_the_structs(kind, struct):
    fields = {
        name[len(struct) + 1 : -4] for name in vars(_raw) if name.startswith(struct + "_") and name.endswith("_get")
    }
    assert fields - {"struct_size", "reserved"} == {field.name for field in dataclasses.fields(kind)}


def test_the_versions_agree():
    assert cqueue_shm.__version__ == _raw.CQ_VERSION_STRING == importlib.metadata.version("cqueue-shm")
    assert _raw.cq_abi_version() == _raw.CQ_ABI_VERSION == 1


def test_generated_files_are_as_they_should_be():
    run(sys.executable, PROJECT / "generate", "--check")


def test_generating_notices_what_is_old(tmp_path):
    shutil.copytree(PROJECT, tmp_path / "bindings/python", symlinks=False)
    there = tmp_path / "bindings/python"
    run(sys.executable, there / "generate", "--check")
    header = there / "c/include/cqueue.h"
    header.write_text(header.read_text("utf-8").replace("uint64_t max_held;  ", "uint64_t max_kept;  "), "utf-8")
    done = subprocess.run([sys.executable, there / "generate", "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("bindings/python/src/cqueue_shm/_raw.pyi: not as ")


def test_all_that_is_public_is_exported():
    tree = ast.parse(pathlib.Path(cqueue_shm.__file__).read_text("utf-8"))
    imported = {
        alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    } - {"_raw", "after_fork"} | {"Message", "Reservation"}  # fmt: skip
    assert imported == set(cqueue_shm.__all__)
