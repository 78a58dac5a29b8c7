"""Counts of what the processes below one hold."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from assay.sandbox import watch

WORKER = """
import mmap, os, sys, threading
kind, size = sys.argv[1], int(sys.argv[2]) << 20
held = bytearray(size) if kind == "private" else mmap.mmap(-1, max(size, 4096))
for at in range(0, size, 4096):
    held[at] = 1
stop = threading.Event()
for _ in range(3):
    threading.Thread(target=stop.wait, daemon=True).start()
child = os.fork() if kind == "fork" else None
if child == 0:
    stop.wait()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def worker():
    """Start a parent whose child holds some memory; return the parent's pid."""
    running = []

    def start(kind: str, size: int = 0) -> int:
        # The shell is the process that is watched; it must not replace itself by its child.
        process = subprocess.Popen(
            ["/bin/sh", "-c", '"$@"; true', "sh", sys.executable, "-c", WORKER, kind, str(size)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        running.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process.pid

    yield start
    for process in running:
        os.killpg(process.pid, 9)
        process.communicate()


def test_threads_and_forks_count_as_tasks(worker):
    assert watch.load(worker("private"), 100).tasks == 4
    assert watch.load(worker("fork"), 100).tasks == 5


@pytest.mark.parametrize("kind", ["private", "shared"])
def test_private_and_shared_memory_both_count(worker, kind):
    found = watch.load(worker(kind, 64), 100).memory
    assert 64 << 20 <= found <= 96 << 20


def test_counting_stops_above_the_bound(worker):
    processes, tasks = watch.descendants(worker("fork"), 3)
    assert tasks > 3
    assert len(processes) == 1


def test_files_of_a_process_in_our_own_root_are_not_a_sandbox_s(worker):
    assert watch.load(worker("private"), 100).files == 0


def test_a_process_that_has_ended_holds_nothing():
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    assert watch.load(process.pid, 10) == watch.Load(0, 0, 0)
