"""Control groups: found where they can be made, kept by the kernel, gone after use."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from assay.core.errors import HarnessError
from assay.core.execution import CRASHED, OUT_OF_MEMORY, RAN, Limits
from assay.sandbox import cgroups, launch, pids, watch
from assay.sandbox.view import View

PYTHON = "/usr/bin/python3"
LIMITS = Limits(cpu_s=20, wall_s=30, memory_mb=128, processes=8, tmp_mb=8)
MOUNT = "{id} 30 0:1 {root} {place} rw,relatime - {kind} {kind} rw{options}"
# Eight processes hold 64 MiB each, none of them more than it may.
SPREAD = """
import os, time
for _ in range(7):
    if os.fork() == 0:
        break
kept = bytearray(64 << 20)
time.sleep(3)
"""
MANY = """
import os, time
refused = 0
for _ in range(60):
    try:
        if os.fork() == 0:
            time.sleep(5)
            os._exit(0)
    except OSError:
        refused += 1
print(refused)
"""


def mount(place: Path, kind: str, options: str = "", root: str = "/") -> str:
    return MOUNT.format(id=31, root=root, place=place, kind=kind, options=options)


def fake_tree(folder: Path, monkeypatch, *files: str) -> Path:
    """A folder that stands for a control group tree: what is made in it has these files."""
    folder.mkdir(parents=True, exist_ok=True)
    real, gone = Path.mkdir, Path.rmdir

    def mkdir(self, *given, **named):
        real(self, *given, **named)
        if self.name.startswith(cgroups.PREFIX):
            for name in ("cgroup.procs", *files):
                (self / name).touch()

    def rmdir(self):
        for one in self.iterdir():
            one.unlink()
        gone(self)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    monkeypatch.setattr(Path, "rmdir", rmdir)
    return folder


def test_version_1_has_a_tree_for_each_controller(tmp_path, monkeypatch):
    fake_tree(tmp_path / "memory/jobs/7", monkeypatch, "memory.limit_in_bytes", "pids.max")
    (tmp_path / "pids").mkdir()
    mounts = [
        mount(tmp_path / "memory", "cgroup", ",memory"),
        mount(tmp_path / "pids", "cgroup", ",pids"),
        mount(tmp_path / "cpu", "cgroup", ",cpu"), mount(tmp_path, "tmpfs"),
    ]  # fmt: skip
    found = cgroups.find("9:cpu:/\n8:pids:/\n4:memory:/jobs/7\n0::/\n", "\n".join(mounts))
    assert found == [
        cgroups.Tree(1, ("pids",), tmp_path / "pids"),
        cgroups.Tree(1, ("memory",), tmp_path / "memory/jobs/7"),
    ]


def test_a_mount_that_shows_a_part_of_the_tree_is_looked_into(tmp_path, monkeypatch):
    fake_tree(tmp_path / "pids/7", monkeypatch, "pids.max")
    given = mount(tmp_path / "pids", "cgroup", ",pids", root="/jobs")
    assert cgroups.find("8:pids:/jobs/7\n", given) == [
        cgroups.Tree(1, ("pids",), tmp_path / "pids/7")
    ]


def test_version_2_takes_the_own_group_or_what_is_above(tmp_path, monkeypatch):
    own = fake_tree(tmp_path / "app/run", monkeypatch, "memory.max", "pids.max")
    (own / "cgroup.subtree_control").write_text("")
    found = cgroups.find("0::/app/run\n", mount(tmp_path, "cgroup2"))
    assert found == [cgroups.Tree(2, ("memory", "pids"), own)]
    assert (own / "cgroup.subtree_control").read_text() == "+memory +pids"
    (own / "cgroup.subtree_control").unlink()  # as one that can't be written
    (tmp_path / "app/cgroup.subtree_control").write_text("memory pids cpu")
    found = cgroups.find("0::/app/run\n", mount(tmp_path, "cgroup2"))
    assert found == [cgroups.Tree(2, ("memory", "pids"), tmp_path / "app")]
    assert (tmp_path / "app/cgroup.subtree_control").read_text() == "memory pids cpu"


def test_where_none_can_be_made_there_is_none(tmp_path, monkeypatch):
    assert cgroups.find("8:pids:/x\n0::/\n", mount(tmp_path / "no", "cgroup", ",pids")) == []
    assert cgroups.find("", "") == []
    monkeypatch.setattr(cgroups, "trees", lambda: ())
    assert cgroups.make({"memory": 1, "pids": 1}) is None
    assert cgroups.controllers() == ()
    assert not cgroups.probe()


def test_bounds_are_written_and_swap_does_not_get_around_them(tmp_path, monkeypatch):
    for version, names in cgroups.FILES.items():
        swap = cgroups.SWAP[version]
        folder = fake_tree(tmp_path / str(version), monkeypatch, *names.values(), swap)
        tree = cgroups.Tree(version, ("memory", "pids"), folder)
        monkeypatch.setattr(cgroups, "trees", lambda tree=tree: (tree,))
        group = cgroups.make({"memory": 4096, "pids": 7})
        ((_, place),) = group.places
        assert (place / names["memory"]).read_text() == "4096"
        assert (place / names["pids"]).read_text() == "7"
        assert (place / swap).read_text() == ("4096" if version == 1 else "0")
        files = {name: place / file for name, (file, _) in cgroups.EVENTS[version].items()}
        files["memory"].write_text("low 0\noom_kill 0\n")
        files["pids"].write_text("max 0\n")
        assert group.beyond() == ()
        files["memory"].write_text("low 0\noom_kill 2\n")
        assert group.beyond() == ("memory",)
        files["pids"].write_text("max 1\n")
        assert group.beyond() == ("memory", "pids")
        group.remove()
        assert not place.exists()
        group.remove()


def test_what_killed_runs_have_left_is_removed(tmp_path, monkeypatch):
    folder = fake_tree(tmp_path / "pids", monkeypatch, "pids.max")
    for name in ("assay-old", "assay-new", "other"):
        (folder / name).mkdir()
    for name in ("assay-old", "other"):
        os.utime(folder / name, (1, 1))
    cgroups.find("8:pids:/\n", mount(folder, "cgroup", ",pids"))
    assert sorted(one.name for one in folder.iterdir()) == ["assay-new", "other"]


@pytest.fixture
def both(monkeypatch):
    """Skip where the machine gives no control groups; after the test, none of ours is left."""
    if cgroups.controllers() != cgroups.CONTROLLERS:
        pytest.skip("no control groups with memory and pids can be made here")
    made, make = [], cgroups.make

    def noted(bounds):
        made.append(make(bounds))
        return made[-1]

    monkeypatch.setattr(cgroups, "make", noted)
    yield
    assert made
    assert not [place for group in made for _, place in group.places if place.exists()]


def test_the_kernel_keeps_the_bounds_and_the_probe_can_tell(both, monkeypatch):
    assert cgroups.probe()
    make = cgroups.make
    for lax in ({"memory": 1 << 30}, {"pids": 1000}):
        monkeypatch.setattr(cgroups, "make", lambda bounds, lax=lax: make({**bounds, **lax}))
        assert not cgroups.probe()


def test_a_group_that_stays_busy_is_told(both, monkeypatch):
    monkeypatch.setattr(cgroups, "TRIES", 2)
    group = cgroups.make({"memory": 1 << 30, "pids": 100})
    with subprocess.Popen(["sleep", "60"]) as busy:
        group.add(busy.pid)
        with pytest.raises(HarnessError, match="can't be removed"):
            group.remove()
        busy.kill()
    monkeypatch.undo()
    group.add(busy.pid)  # it has ended
    group.remove()


@pytest.mark.slow
def test_memory_beyond_what_all_may_have_is_refused_by_the_kernel_as_well(
    both, testbed_root, monkeypatch
):
    monkeypatch.setattr(watch, "load", lambda *_: watch.Load(0, 0, 0))  # nobody counts outside
    found = launch.run([PYTHON, "-c", SPREAD], View(testbed_root), LIMITS)
    assert (found.kind, found.detail) == (OUT_OF_MEMORY, "more than 128 MiB in all")
    monkeypatch.setattr(cgroups, "make", lambda _: None)
    assert launch.run([PYTHON, "-c", SPREAD], View(testbed_root), LIMITS).kind == RAN


@pytest.mark.slow
def test_processes_beyond_what_all_may_have_are_refused_by_the_kernel_as_well(
    both, testbed_root, monkeypatch
):
    monkeypatch.setattr(watch, "load", lambda *_: watch.Load(0, 0, 0))
    monkeypatch.setattr(pids, "can_bound", lambda: False)
    found = launch.run([PYTHON, "-c", MANY], View(testbed_root), LIMITS)
    assert (found.kind, found.detail) == (CRASHED, "more than 8 processes and threads")
    monkeypatch.setattr(cgroups, "make", lambda _: None)
    if os.geteuid() == 0:  # whom nothing else bounds
        assert launch.run([PYTHON, "-c", MANY], View(testbed_root), LIMITS).kind == RAN
