"""Probes reach units wherever they are held, and watch generators and coroutines while they run."""

from __future__ import annotations

import asyncio

import pytest

from assay.core.codec import encode
from assay.core.execution import RAN, Job, Limits, Probe, Scenario
from assay.testbed.inside.stepped import followed

HELD = '''\
"""Units that are held in tables, and such as run later."""

import os


def opens(path):
    """Look at a file."""
    return os.listdir(path)


def yields(path):
    """Yield its names, later."""
    yield 1
    yield from os.listdir(path)


async def awaits(path):
    """Return its names, later."""
    return os.listdir(path)


async def streams(path):
    """Yield its names, later."""
    for name in os.listdir(path):
        yield name


TABLE = {"opens": opens, "yields": yields, "awaits": awaits, "streams": streams}


def use(kind, path):
    """Do one of them, and something of its own."""
    result = TABLE[kind](path)
    os.listdir("/usr")
    return result
'''
LIMITS = Limits(cpu_s=5, wall_s=20, memory_mb=768, output_mb=2, processes=32)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["opens", "yields", "awaits", "streams"])
def test_a_unit_in_a_table_is_reached_and_only_its_own_run_is_watched(testbed_root, tmp_path, name):
    from assay.testbed.bench import open_bench

    (tmp_path / "tree/pkg").mkdir(parents=True)
    (tmp_path / "tree/pkg/__init__.py").write_text("")
    (tmp_path / "tree/pkg/held.py").write_text(HELD)
    target = {"tests": {"paths": []}, "scan": ["pkg"], "source_roots": ["."], "preload": []}
    bench = open_bench(tmp_path / "tree", target, testbed_root, LIMITS)
    data = {
        "entry": "pkg.held:use", "observe": [], "init": None,
        "calls": [["", encode([name, "/tmp"]), encode({})]],
    }  # fmt: skip
    probe = Probe("p", Scenario("s", data), "pkg.held", name, "path", encode("/tmp/base"))
    [result] = bench.run([Job(probes=[probe])])
    seen = result.probes["p"]
    assert (result.outcome, seen["reached"]) == (RAN, True)
    looked = [event[1] for event in seen["events"] if event[0] == "os.listdir"]
    assert looked == ["/tmp/base"]  # and neither /tmp nor /usr
    assert "notes.txt" in str(seen["observation"]["calls"])


def _log():
    found = []
    return found, found.append, lambda value, error: found.append((value, type(error)))


def test_values_are_sent_and_errors_thrown_into_a_generator():
    def inner():
        try:
            given = yield 1
            yield given * 2
        except KeyError:
            yield "caught"
        return "end"

    found, running, ended = _log()
    steps = followed(inner(), running, ended)
    assert [next(steps), steps.send(4), steps.throw(KeyError)] == [1, 8, "caught"]
    with pytest.raises(StopIteration) as stopped:
        next(steps)
    assert stopped.value.value == "end"
    assert found == [True, False] * 4


def test_a_generator_that_is_left_is_closed():
    closed = []

    def inner():
        try:
            yield 1
        finally:
            closed.append(True)

    steps = followed(inner(), *_log()[1:])
    next(steps)
    steps.close()
    assert closed == [True]


def test_a_coroutine_tells_what_came_of_it():
    async def inner(value):
        await asyncio.sleep(0)
        if value is None:
            raise LookupError
        return value

    found, running, ended = _log()
    assert asyncio.run(followed(inner(3), running, ended)) == 3
    assert found == [True, False, True, False, (3, type(None))]
    with pytest.raises(LookupError):
        asyncio.run(followed(inner(None), running, ended))
    assert found[-1] == (None, LookupError)


def test_plain_values_are_left_as_they_are():
    value = [1]
    assert followed(value, *_log()[1:]) is value
