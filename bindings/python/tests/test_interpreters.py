"""What another import of the package does, in this interpreter or another, is no business of the first."""

import subprocess
import sys
import textwrap

import pytest

USE = """
import tempfile
import cqueue_shm
def use(queue):
    queue.put_many([b"1", b"2"])
    with queue.take() as message:
        assert message.data == b"1"
    with queue.reserve(1) as reservation:
        reservation.data[:] = b"3"
    assert queue.get_many() == [b"2", b"3"]
    try:
        queue.get(timeout=0.01)
    except cqueue_shm.Empty:
        pass
    assert len(queue.participants()) == queue.stats().participants
    assert isinstance(message, cqueue_shm.Message)
"""


def run(code):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_a_second_import_leaves_the_first_alone():
    assert (
        run(f"""
import sys
{USE}
with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
  with cqueue_shm.Queue("orders", 8, 64, directory=directory) as q:
    use(q)
    first = cqueue_shm
    for name in [name for name in sys.modules if name.startswith("cqueue_shm")]:
        del sys.modules[name]
    import cqueue_shm
    assert cqueue_shm is not first and cqueue_shm.Queue is not first.Queue
    with cqueue_shm.Queue("orders", directory=directory) as again:
        use(again)
        cqueue_shm, second = first, cqueue_shm
        use(q)
        try:
            first._raw.cq_length(again)
        except TypeError:
            pass
    q.close()
    try:
        q.get()
    except first.ClosedError:
        print("good")
""")
        == "good\n"
    )


SUBINTERPRETERS = f"""
import sys, threading
{USE}
if sys.version_info >= (3, 13):
    import _interpreters as interpreters
    create = lambda: interpreters.create(KIND)
    def execute(number, code):
        failure = interpreters.exec(number, code)
        assert failure is None, failure
else:
    import _xxsubinterpreters as interpreters
    create = lambda: interpreters.create(isolated=True)
    execute = interpreters.run_string
with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
  with cqueue_shm.Queue("orders", 8, 64, directory=directory) as q:
    use(q)
    code = USE + f'''
with cqueue_shm.Queue("orders", directory={{directory!r}}) as queue:
    use(queue)
    queue.put(b"from another interpreter")
'''
    for _ in range(3):
        number = create()
        execute(number, code)
        assert q.get(timeout=30) == b"from another interpreter"
        use(q)
        interpreters.destroy(number)
        use(q)
    failures = []
    def work():
        number = create()
        try:
            execute(number, 'import time' + code.replace('    use(queue)', '''
    for _ in range(300):
        queue.put(b"1")
        queue.get()
'''))
        except BaseException as error:
            failures.append(error)
        interpreters.destroy(number)
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    print("good")
"""


@pytest.mark.parametrize("kind", ["legacy", "isolated"])
def test_interpreters_share_nothing(kind):
    """From 3.12 on each may have a GIL of its own."""
    code = SUBINTERPRETERS.replace("KIND", repr(kind)).replace("USE +", repr(USE) + " +")
    assert run(code) == "good\n"


def test_a_python_without_the_gil_is_told_why():
    code = """
    import sys
    sys._is_gil_enabled = lambda: False
    try:
        import cqueue_shm
    except ImportError as error:
        print(error)
    """
    assert "relies on the GIL" in run(code)
