"""How a sandbox ends: each kind of outcome told apart, everything killed as a whole."""

from __future__ import annotations

import dataclasses
import os
import resource
import time
from pathlib import Path

import pytest

from assay.core.errors import UserError
from assay.core.execution import Limits
from assay.sandbox.launch import limited, run
from assay.sandbox.view import View

LIMITS = Limits(cpu_s=5, wall_s=20, memory_mb=512, output_mb=1, tmp_mb=8, processes=32)
MARK = "assay-test-daemon"
DAEMONS = f"""
for _ in range(6):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(32):
                tried(lambda: os.close(number))
            os.execv("/usr/bin/python3", ["{MARK}", "-S", "-c", "import time; time.sleep(600)"])
        os._exit(0)
def newest():
    number = max(filter(str.isdigit, os.listdir("/proc")), key=int)
    return open("/proc/" + number + "/cmdline").read()
while "{MARK}" not in newest():
    time.sleep(0.01)
"""
FORKS = "while True: tried(os.fork)"
THREADS = """
import threading
threading.stack_size(1 << 17)  # the address space must not end it first
stop = threading.Event()
for _ in range(200):
    threading.Thread(target=stop.wait, daemon=True).start()
time.sleep(600)
"""
PARTS = """
held = []
for _ in range(4):
    if os.fork() == 0:
        held.append(b"x" * (200 << 20))
        time.sleep(600)
time.sleep(600)
"""
SHARED = PARTS.replace('b"x" * (200 << 20)', "mapped()").join(["""
import mmap
def mapped():
    area = mmap.mmap(-1, 200 << 20)
    for at in range(0, len(area), 4096):
        area[at] = 1
    return area
""", ""])  # fmt: skip
INODES = "for number in range(150_000): os.mkdir(f'/tmp/{number}')"
BUSY = "while True: pass"
FLOOD = "while True: os.write({}, b'x' * 65536)"
CASES = {
    "ends": ("pass", "ran", 0, ""),
    "exit code": ("sys.exit(3)", "crashed", 3, "exit code 3"),
    "exception": ("raise ValueError", "crashed", 1, "exit code 1"),
    "kill": ("os.kill(os.getpid(), 9)", "crashed", 137, "exit code 137"),
    "segmentation fault": ("ctypes.string_at(0)", "crashed", 139, "exit code 139"),
    "busy loop": ("while True: pass", "cpu_timeout", 152, "CPU time"),
    "sleep": ("time.sleep(600)", "wall_timeout", None, "no end after 1 s"),
    "stopped": ("os.kill(os.getpid(), 19)", "wall_timeout", None, "no end after 1 s"),
    "signals ignored": (
        "import signal\nfor number in (1, 2, 15, 24): signal.signal(number, 1)\n" + BUSY,
        "crashed", 137, "exit code 137",
    ),
    "one process too large": ("bytearray(600 << 20)", "crashed", 1, "exit code 1"),
    "all of them too large": (PARTS, "out_of_memory", None, "more than 512 MiB in all"),
    "shared memory": (SHARED, "out_of_memory", None, "more than 512 MiB in all"),
    "inodes": (INODES, "out_of_memory", None, "more than 100000 files"),
    "fork bomb": (FORKS, "crashed", None, "more than 32 processes and threads"),
    "threads": (THREADS, "crashed", None, "more than 32 processes and threads"),
    "flood of output": (FLOOD.format(1), "too_much_output", None, "more than 1 MiB of stdout"),
    "flood of errors": (FLOOD.format(2), "too_much_output", None, "more than 1 MiB of stderr"),
    "flood of reports": (
        FLOOD.format('int(os.environ["ASSAY_CHANNEL"])'), "too_much_output", None,
        "more than 1 MiB of channel",
    ),
}  # fmt: skip


def marked() -> int:
    """How many daemons of the test run anywhere on this machine."""
    found = 0
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += place.read_bytes().startswith(MARK.encode())
        except OSError:
            continue  # it has just ended
    return found


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_an_end_is_told_apart(case, inside):
    code, kind, exit_code, detail = CASES[case]
    wall_s = 1 if kind == "wall_timeout" else 60
    cpu_s = 20 if kind == "out_of_memory" else 1
    limits = dataclasses.replace(LIMITS, cpu_s=cpu_s, wall_s=wall_s)
    outcome = inside.run(code, limits)
    assert (outcome.kind, outcome.exit_code) == (kind, exit_code), outcome
    assert detail in outcome.detail
    assert sum(map(len, outcome.streams.values())) < 4 << 20


@pytest.mark.slow
def test_the_streams_are_kept_apart_and_whole(inside):
    outcome = inside.run("print('out'); print('err', file=sys.stderr); say('told')")
    assert outcome.streams == {"stdout": b"out\n", "stderr": b"err\n", "channel": b'"told"'}


@pytest.mark.slow
def test_what_was_written_before_the_end_is_kept(inside):
    outcome = inside.run("say('told'); print('x' * 100_000, flush=True); os.kill(os.getpid(), 9)")
    assert outcome.streams["channel"] == b'"told"'
    assert len(outcome.streams["stdout"]) == 100_001


@pytest.mark.slow
def test_signs_of_life_on_the_channel_put_the_wall_timeout_off(inside):
    limits = dataclasses.replace(LIMITS, wall_s=1)
    code = "for _ in range(5):\n    say(1)\n    time.sleep(0.4)"
    assert inside.run(code, limits).kind == "ran"
    assert inside.run(code.replace("say(1)", "print(1, flush=True)"), limits).kind == "wall_timeout"


@pytest.mark.slow
def test_standard_input_arrives(inside, testbed_root):
    view = View(testbed_root)
    outcome = run(["/bin/cat"], view, LIMITS, b"given")
    assert outcome.streams["stdout"] == b"given"
    assert run(["/bin/cat"], view, LIMITS).streams["stdout"] == b""


@pytest.mark.slow
@pytest.mark.parametrize("end", ["pass", "time.sleep(600)"])
def test_daemons_are_gone_when_the_run_is(end, inside):
    for _ in range(3):  # they would outlive it for a moment only
        outcome = inside.run(DAEMONS + end, dataclasses.replace(LIMITS, wall_s=1))
        assert outcome.kind == ("ran" if end == "pass" else "wall_timeout")
        assert marked() == 0


@pytest.mark.slow
def test_nothing_is_left_for_the_next_sandbox(inside):
    inside.said("open('/tmp/left', 'w'); open('/dev/shm/left', 'w'); say(0)")
    assert inside.said("say([os.listdir('/tmp'), os.listdir('/dev/shm')])") == [[], []]


@pytest.mark.slow
def test_the_limits_are_hard_ones_inside(inside):
    got = inside.said("""
import resource
names = ["AS", "CORE", "FSIZE", "NOFILE", "CPU"]
limits = [resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in names]
def raise_it():
    resource.setrlimit(resource.RLIMIT_AS, (limits[0][1] + 1,) * 2)
try:
    raise_it()
except ValueError:
    say(limits)
""")
    assert got == [[512 << 20] * 2, [0, 0], [8 << 20] * 2, [256] * 2, [5, 6]]


@pytest.mark.slow
def test_no_descriptor_and_no_process_of_ours_is_left(inside):
    def held() -> tuple[list[str], list[str]]:  # other tests may keep sandboxes of their own
        tasks = sorted(Path("/proc/self/task").iterdir())
        children = [pid for task in tasks for pid in (task / "children").read_text().split()]
        return sorted(os.listdir("/proc/self/fd")), sorted(children)

    inside.said("say(1)")
    before = held()
    inside.said("say(1)")
    inside.run("time.sleep(600)", dataclasses.replace(LIMITS, wall_s=1))
    assert held() == before


@pytest.mark.slow
def test_a_sandbox_that_does_not_start_is_the_harness_s_failure(inside, tmp_path):
    outcome = inside.run("pass", binds=((tmp_path / "missing", "/given"),))
    assert (outcome.kind, outcome.exit_code) == ("harness_error", None)
    assert "the sandbox did not start" in outcome.detail
    assert "missing" in outcome.detail


@pytest.mark.slow
def test_a_program_that_is_missing_is_no_success(testbed_root):
    outcome = run(["/usr/bin/nothing"], View(testbed_root), LIMITS)
    assert (outcome.kind, outcome.exit_code) == ("crashed", 127)


@pytest.mark.slow
def test_a_bubblewrap_that_dies_is_no_success(inside, fake_bwrap):
    fake_bwrap("os.kill(os.getpid(), 9)")
    started = time.monotonic()
    assert inside.run("pass").kind == "harness_error"
    assert time.monotonic() - started < LIMITS.wall_s


def test_without_bubblewrap_nothing_starts(tmp_path, no_bwrap):
    with pytest.raises(UserError, match="bubblewrap is missing"):
        run(["/bin/touch", str(tmp_path / "made")], View(), LIMITS)
    assert not (tmp_path / "made").exists()


def test_limits_are_set_by_the_shell_before_the_program():
    command = limited(["program", "a b"], Limits(cpu_s=7, memory_mb=3, tmp_mb=2, processes=9))
    script = command[2]
    for part in ("-v 3072", "-f 4096", "-p 9", "-t 8", "-S -t 7", "-c 0"):
        assert f"ulimit {part} &&" in script
    assert script.endswith('&& exec "$@"')
    assert command[3:] == ["sh", "program", "a b"]
    assert resource.getrlimit(resource.RLIMIT_CPU)[0] != 7
