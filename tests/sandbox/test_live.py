"""A sandbox that stays answers one request after the other, whatever their size."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from assay.core.execution import Limits
from assay.sandbox.live import Live
from assay.sandbox.view import View

pytestmark = pytest.mark.slow
LIMITS = Limits(cpu_s=5, wall_s=20, memory_mb=512, output_mb=1, tmp_mb=8, processes=32)
SERVER = """
import os, sys
channel = int(os.environ["ASSAY_CHANNEL"])
for line in sys.stdin.buffer:
    if line == b"end\\n":
        break
    os.write(channel, b"%d\\n" % len(line))
"""


@pytest.fixture
def live(testbed_root):
    with ThreadPoolExecutor(1) as starter:  # it dies with the thread that started it
        argv = ["/usr/bin/python3", "-c", SERVER]
        made = starter.submit(Live, argv, View(testbed_root), LIMITS).result()
        yield made
        if made.process.poll() is None:
            made.close()


def ask(live, request):
    """Ask in a thread of its own: what waits for ever fails the test and does not hang it."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(live.ask, request, lambda data: data.endswith(b"\n")).result(15)
    finally:
        pool.shutdown(wait=False)


def test_the_first_request_may_be_larger_than_a_pipe(live):
    assert ask(live, b"x" * 300_000 + b"\n") == b"300001\n"
    assert ask(live, b"y\n") == b"2\n"
    assert ask(live, b"z" * 300_000 + b"\n") == b"300001\n"


def test_one_that_has_ended_gives_no_answer(live):
    assert ask(live, b"end\n") is None
