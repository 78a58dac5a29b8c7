"""Bounds a whole sandbox by control groups, of version 1 or 2, where this process may make some.

The launcher counts processes and memory from outside, many times a second; a control group is the
wall behind that, which the kernel keeps. Where none can be made (no privilege, none delegated,
nothing mounted) the sandbox runs without one, unless the config asks for the layer `cgroup`.

Version 1 has a tree for each controller, in which a group can be made below the own one. In version
2 a group that holds processes has no children with controllers, so that beside the own group is
tried as well (Linux, Documentation/admin-guide/cgroup-v2.rst, "No Internal Process Constraint").
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from assay.core.errors import HarnessError

PREFIX = "assay-"
CONTROLLERS = ("memory", "pids")
FILES = {  # controller -> file of its bound, by version
    1: {"memory": "memory.limit_in_bytes", "pids": "pids.max"},
    2: {"memory": "memory.max", "pids": "pids.max"},
}
SWAP = {1: "memory.memsw.limit_in_bytes", 2: "memory.swap.max"}  # where swapping is counted
EVENTS = {  # file and name of the line that counts how often a bound was met
    1: {"memory": ("memory.oom_control", "oom_kill"), "pids": ("pids.events", "max")},
    2: {"memory": ("memory.events", "oom_kill"), "pids": ("pids.events", "max")},
}
TRIES, PAUSE_S = 1000, 0.002  # to remove a group whose last process is about to end
TRIAL_TASKS = 8
TRIAL_MB = 32
TRIAL = f"""
import os, sys, time
sys.stdin.readline()
refused = 0
for _ in range({2 * TRIAL_TASKS}):
    try:
        if os.fork() == 0:
            os.close(1)
            time.sleep(9)
            os._exit(0)
    except OSError:
        refused += 1
print(refused, flush=True)
kept = bytearray({4 * TRIAL_MB} << 20)
print("not bounded", flush=True)
"""
OLD_S = 3600  # an empty group of that age is nobody's


@dataclass(frozen=True)
class Tree:
    """A folder in which groups can be made that have these controllers."""

    version: int
    controllers: tuple[str, ...]
    folder: Path


@dataclass(frozen=True)
class Group:
    """The groups of one sandbox: one in each tree."""

    places: tuple[tuple[Tree, Path], ...]

    def add(self, pid: int) -> None:
        """Put a process in, and with it all that it will start; nothing if it has ended."""
        for _, place in self.places:
            with contextlib.suppress(ProcessLookupError):
                (place / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def beyond(self) -> tuple[str, ...]:
        """Return the controllers whose bound was met, so that the kernel killed or refused."""
        return tuple(
            name for tree, place in self.places for name in tree.controllers
            if _count(place / EVENTS[tree.version][name][0], EVENTS[tree.version][name][1])
        )  # fmt: skip

    def remove(self) -> None:
        """Remove it once its last process has ended; raise HarnessError if none does so."""
        for _, place in self.places:
            for left in reversed(range(TRIES)):
                try:
                    place.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError as error:
                    if not left:
                        raise HarnessError(f"a control group can't be removed: {error}") from error
                    time.sleep(PAUSE_S)


def _count(file: Path, name: str) -> int:
    lines = [line.split() for line in file.read_text(encoding="ascii").splitlines()]
    return sum(int(count) for key, count in lines if key == name)


def controllers() -> tuple[str, ...]:
    """Return the controllers that a group can be made with here."""
    return tuple(sorted(name for tree in trees() for name in tree.controllers))


def make(bounds: Mapping[str, int]) -> Group | None:
    """Make a group with bounds (controller -> bytes or tasks); None where none can be made.

    Raises OSError where the machine gives one and then refuses it.
    """
    name = f"{PREFIX}{secrets.token_hex(8)}"  # a process number is one in each container
    group = Group(tuple((tree, tree.folder / name) for tree in trees()))
    if not group.places:
        return None
    for tree, place in group.places:
        place.mkdir()
        for controller in tree.controllers:
            file = place / FILES[tree.version][controller]
            file.write_text(str(bounds[controller]), encoding="ascii")
        swap = place / SWAP[tree.version]
        if "memory" in tree.controllers and swap.exists():  # none of it, in either version
            swap.write_text(str(bounds["memory"]) if tree.version == 1 else "0", encoding="ascii")
    return group


@functools.cache
def trees() -> tuple[Tree, ...]:
    """Return where groups can be made, each controller once; found by making one."""
    return tuple(find(Path("/proc/self/cgroup").read_text("utf-8"),
                      Path("/proc/self/mountinfo").read_text("utf-8")))  # fmt: skip


def find(groups: str, mounts: str) -> list[Tree]:
    """Return the trees in which a group can be made, given the two files of /proc."""
    found: list[Tree] = []
    for version, names, folder in _candidates(groups, mounts):
        fresh = [name for name in names if not any(name in tree.controllers for tree in found)]
        works = _given(version, fresh, folder) if fresh else ()
        if works:
            _sweep(folder)
            found.append(Tree(version, works, folder))
    return found


def _candidates(groups: str, mounts: str) -> Iterator[tuple[int, tuple[str, ...], Path]]:
    """Yield (version, controllers that may be there, folder) of this process' own groups."""
    mounted = [_mount(line) for line in mounts.splitlines()]
    for line in groups.splitlines():
        number, names, path = line.split(":", 2)
        version = 2 if (number, names) == ("0", "") else 1
        wanted = tuple(name for name in CONTROLLERS if version == 2 or name in names.split(","))
        for kind, options, root, place in mounted:
            mine = kind == "cgroup2" if version == 2 else kind == "cgroup" and set(
                names.split(",")) <= options  # fmt: skip
            if not (wanted and mine):
                continue
            own = place / (path.removeprefix(root) if root != "/" else path).lstrip("/")
            yield version, wanted, own
            if version == 2 and own != place:
                yield version, wanted, own.parent


def _mount(line: str) -> tuple[str, set[str], str, Path]:
    """Return kind, options of the file system, its shown root, and where it is mounted."""
    head, _, tail = line.partition(" - ")
    root, place = head.split()[3:5]
    kind, _, options = tail.split(" ", 2)
    return kind, set(options.split(",")), root, Path(place)


def _given(version: int, wanted: list[str], folder: Path) -> tuple[str, ...]:
    """Return the controllers that a group made in a folder really has."""
    place = folder / f"{PREFIX}{secrets.token_hex(8)}"
    with contextlib.suppress(OSError):
        if version == 2:
            _delegate(folder, wanted)
        place.mkdir()
        works = tuple(name for name in wanted if os.access(place / FILES[version][name], os.W_OK))
        works = works if os.access(place / "cgroup.procs", os.W_OK) else ()
        place.rmdir()
        return works
    return ()


def _delegate(folder: Path, wanted: list[str]) -> None:
    """Let the children of a group of version 2 have controllers, if they have them not yet."""
    switch = folder / "cgroup.subtree_control"
    missing = [name for name in wanted if name not in switch.read_text(encoding="ascii").split()]
    if missing:
        switch.write_text(" ".join(f"+{name}" for name in missing), encoding="ascii")


def _sweep(folder: Path) -> None:
    """Remove what runs that were killed have left: old groups without a process in them."""
    for place in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - place.stat().st_mtime > OLD_S:
                place.rmdir()


def probe() -> bool:
    """Say whether the kernel keeps both bounds here, found out by a program that tries to pass."""
    bounds = {"memory": TRIAL_MB << 20, "pids": TRIAL_TASKS}
    try:
        group = make(bounds) if set(controllers()) == set(CONTROLLERS) else None
    except OSError:
        return False
    if group is None:
        return False
    program = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", TRIAL], text=True, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        group.add(program.pid)
        refused, _, rest = program.communicate("go\n")[0].partition("\n")
        met = set(group.beyond()) == set(CONTROLLERS)
        return met and refused.isdigit() and int(refused) > TRIAL_TASKS and not rest
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, 9)
        group.remove()
