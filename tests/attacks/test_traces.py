"""What looks for traces finds each kind, and what counts them lets none pass."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import everywhere
import pytest
import traces

DAEMON = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(600)"
IPC_RMID = 0


def daemon() -> int:
    """Leave a daemon behind, as an answer would that got out; return its pid."""
    subprocess.run([sys.executable, "-c", DAEMON], check=True)
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            if Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                return int(pid)
    raise AssertionError("it has not been adopted")


def test_an_orphaned_daemon_is_seen():
    with traces.adopt_orphans():
        before = traces.look_at()
        pid = daemon()
        found = traces.difference(before, traces.look_at())
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        assert len([one for one in found.pop("processes") if one.startswith("+")]) == 1
        assert not any(found.values())
        assert not any(traces.difference(before, traces.look_at()).values())


def test_files_made_changed_and_removed_are_seen(tmp_path):
    for name in ("kept", "changed", "removed", "mode"):
        (tmp_path / name).write_text("x")
    (tmp_path / "without").mkdir()
    before = traces.look_at([tmp_path], without=[tmp_path / "without"])
    (tmp_path / "changed").write_text("y")
    (tmp_path / "removed").unlink()
    (tmp_path / "mode").chmod(0o777)
    (tmp_path / "made").mkdir()
    (tmp_path / "without" / "unseen").touch()
    found = traces.difference(before, traces.look_at([tmp_path], without=[tmp_path / "without"]))
    names = sorted(Path(line.split()[1]).name for line in found["files"])
    assert names == ["changed", "changed", "made", "mode", "mode", "removed"]


def test_a_name_in_a_system_folder_is_seen(tmp_path):
    before = traces.look_at(names=[tmp_path])
    (tmp_path / "planted").touch()
    assert len(traces.difference(before, traces.look_at(names=[tmp_path]))["files"]) == 1


def test_shared_memory_is_seen():
    before = traces.look_at()
    left = Path("/dev/shm/assay-test-left")
    left.touch()
    libc = ctypes.CDLL(None)
    segment = libc.shmget(0x41535359, 4096, 0o1600)
    try:
        found = traces.difference(before, traces.look_at())["shared memory"]
    finally:
        left.unlink()
        libc.shmctl(segment, IPC_RMID, None)
    assert len(found) == 2
    assert "+ assay-test-left" in found


def test_a_descriptor_left_open_is_seen():
    before = traces.look_at()
    with Path(os.devnull).open():
        assert traces.difference(before, traces.look_at())["processes"]
    assert not traces.difference(before, traces.look_at())["processes"]


def test_whoever_calls_is_heard(tmp_path):
    listener = traces.Listener(tmp_path)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(str(listener.path))
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(f"\0{traces.CANARY}-{os.getpid()}")
        deadline = time.monotonic() + 10
        while len(listener.heard) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        heard = listener.close()
    assert heard == ["+ called: a socket's path", "+ called: an abstract name"]
    assert not listener.path.exists()


def test_a_private_scratch_hides_what_others_do_and_keeps_what_is_named(tmp_path):
    (tmp_path / "kept").mkdir()
    pid = os.fork()
    if pid == 0:  # what is asserted here ends up in the exit code
        code = 3
        try:
            if not traces.private_scratch([tmp_path / "kept"]):
                code = 77
            else:
                (tmp_path / "kept" / "written").touch()
                (tmp_path / "private").touch()
                Path("/dev/shm/assay-private").touch()
                code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == 77:
        pytest.skip("a private mount namespace needs root")
    assert code == 0
    assert (tmp_path / "kept" / "written").exists()
    assert not (tmp_path / "private").exists()
    assert not Path("/dev/shm/assay-private").exists()


def case(name="a", *, hostile=True, status="failed", gap=None, problems=(), files=()):
    effects = {**{kind: [] for kind in traces.KINDS}, "files": list(files)}
    return {"name": name, "hostile": hostile, "gap": gap, "status": status, "seconds": 1,
            "problems": list(problems), "effects": effects}  # fmt: skip


def found(*cases, outside=()):
    seen = {**{kind: [] for kind in traces.KINDS}, "network": list(outside)}
    return {"level": {"network": True, "cgroup": False}, "cases": list(cases), "outside": seen}


def test_nothing_wrong_is_counted_as_such():
    row = everywhere.counted(found(case(), case("b", hostile=False, status="passed")))
    assert not row["broken"]
    assert (row["layers"], row["hostile"], row["passed"], row["right passed"]) == (
        "network", 1, 0, 1,
    )  # fmt: skip


@pytest.mark.parametrize("broken", [
    found(case(status="passed", problems=["passed instead of failed"])),
    found(case(hostile=False, problems=["failed instead of passed"])),
    found(case(files=["+ /tmp/x"], problems=["left behind"])),
    found(case(problems=["the next task is affected"])),
    found(case(), outside=["+ called: tcp port 8080"]),
    found(case(gap="known", status="failed")),
])  # fmt: skip
def test_each_break_is_one(broken):
    assert len(everywhere.counted(broken)["broken"]) == 1


def test_a_known_gap_is_shown_as_a_pass_and_is_no_break():
    row = everywhere.counted(found(case(gap="known", status="passed", problems=["passed"])))
    assert (row["passed"], row["known gaps"], row["broken"]) == (1, 1, [])


def test_the_table_has_a_row_a_way():
    text = everywhere.table({"root, host": everywhere.counted(found(case()))})
    head, row = text.splitlines()
    assert head.split("  ")[0] == "way"
    assert row.startswith("root, host  network")


def test_an_ordinary_user_is_told_what_is_left_out(monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 65534)
    chosen, missing = everywhere.ways()
    assert [way.name for way in chosen] == ["ordinary user, host", "ordinary user, container"]
    assert "start it as root" in missing[0]
