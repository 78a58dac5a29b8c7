"""Process numbers of a sandbox have a bound of their own, and the machine's is left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.core.errors import HarnessError
from assay.core.execution import Limits
from assay.sandbox import cgroups, guard, pids, watch
from assay.sandbox.guard import OVERHEAD_TASKS

BOUND = Path("/proc/sys/kernel/pid_max")
LIMITS = Limits(cpu_s=20, wall_s=30, memory_mb=4096, output_mb=1, tmp_mb=8, processes=32)
ROOM = 2 * (LIMITS.processes + OVERHEAD_TASKS)
FORKS = """
count = 0
while True:
    child = tried(os.fork)
    if child == 0:
        time.sleep(60)
        os._exit(0)
    if isinstance(child, str) or count > 1000:
        say([count, child])
        break
    count += 1
"""
OFTEN = """
for number in range(1000):
    child = tried(os.fork)
    if child == 0:
        os._exit(0)
    if isinstance(child, str):
        say([number, child])
        sys.exit()
    os.waitpid(child, 0)
say([1000, 0])
"""
can = pytest.mark.skipif(not pids.can_bound(), reason="this kernel has one bound for the machine")


@pytest.mark.parametrize(("release", "known"), [
    ("6.14.0-generic", True), ("6.18.44-fc-v669", True), ("7.0", True), ("6.13.9", False),
    ("6.2.0", False), ("5.15.0-1", False), ("odd", False),
])  # fmt: skip
def test_only_kernels_with_a_bound_for_each_namespace_are_asked(release, known):
    writable = not os.statvfs("/proc/sys").f_flag & os.ST_RDONLY
    assert pids.can_bound(release) == (known and writable)


@can
@pytest.mark.slow
def test_a_fork_bomb_meets_the_kernel_even_where_nobody_counts(inside, monkeypatch):
    monkeypatch.setattr(guard.watch, "load", lambda *_: watch.Load(0, 0, 0))  # a fake: sees nothing
    monkeypatch.setattr(cgroups, "make", lambda _: None)
    before = BOUND.read_text()
    if os.geteuid() == 0:
        count, end = inside.said(FORKS, LIMITS)
        assert (end, count <= pids.RESERVED + ROOM) == ("EAGAIN", True)
    assert BOUND.read_text() == before


@can
@pytest.mark.slow
def test_a_sandbox_that_has_forked_often_may_go_on(inside):
    count, end = inside.said(OFTEN, LIMITS)
    assert (count, end) == (1000, 0)


@can
@pytest.mark.slow
def test_each_sandbox_has_its_own(inside):
    for _ in range(2):
        told = inside.said(f"say(open({str(BOUND)!r}).read())", LIMITS)
        assert told == f"{pids.RESERVED + ROOM}\n"


@can
@pytest.mark.slow
def test_a_helper_that_somebody_has_ended_is_replaced(inside):
    for _ in range(2):
        assert inside.said("say(1)", LIMITS) == 1
        pids._helper().kill()
        pids._helper().wait()
    assert inside.said("say(1)", LIMITS) == 1


@can
def test_our_own_namespace_is_never_bounded_and_what_has_ended_is_no_error():
    before = BOUND.read_text()
    pids.bound(os.getpid(), 64)
    pids.bound(2**22 + 5, 64)
    assert BOUND.read_text() == before


@can
def test_what_the_kernel_refuses_is_a_failure_of_the_harness(monkeypatch):
    monkeypatch.setattr(pids.os.path, "samestat", lambda *_: False)
    with pytest.raises(HarnessError, match="no namespace of its own"):
        pids.bound(os.getpid(), 64)
