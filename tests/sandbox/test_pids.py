"""Process numbers of a sandbox have a bound of their own, and the machine's is left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.core.errors import HarnessError
from assay.core.execution import Limits
from assay.sandbox import pids

BOUND = Path("/proc/sys/kernel/pid_max")
MANY = Limits(cpu_s=20, wall_s=30, memory_mb=4096, output_mb=1, tmp_mb=8, processes=5000)
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
def test_a_fork_bomb_meets_the_kernel_even_where_nobody_counts(inside):
    before = BOUND.read_text()
    count, end = inside.said(FORKS, MANY)
    assert (end, count < pids.LEAST) == ("EAGAIN", True)
    assert BOUND.read_text() == before


@can
@pytest.mark.slow
def test_each_sandbox_has_its_own(inside):
    for _ in range(2):
        assert inside.said(f"say(open({str(BOUND)!r}).read())") == f"{pids.LEAST}\n"


@can
def test_our_own_namespace_is_never_bounded_and_what_has_ended_is_no_error():
    before = BOUND.read_text()
    pids.bound(os.getpid())
    pids.bound(2**22 + 5)
    assert BOUND.read_text() == before


@can
def test_what_the_kernel_refuses_is_a_failure_of_the_harness(monkeypatch):
    monkeypatch.setattr(pids.os.path, "samestat", lambda *_: False)
    with pytest.raises(HarnessError, match="no namespace of its own"):
        pids.bound(os.getpid())
