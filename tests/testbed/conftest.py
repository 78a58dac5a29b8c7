"""A small target with everything that makes recording hard, and its behaviour, recorded once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from assay.core.codec import encode
from assay.core.execution import Limits, Scenario

LIMITS = Limits(cpu_s=5, wall_s=20, memory_mb=768, output_mb=2, processes=32)
CORE = '''\
"""A tiny module."""

import asyncio


class Box:
    """A box with a state."""

    made = 0

    def __init__(self, size):
        if not isinstance(size, int):
            raise TypeError("size: whole numbers only")
        self.size = size
        self.things = []

    @property
    def free(self):
        """How many more things fit."""
        return self.size - len(self.things)

    def put(self, *things):
        """Put things in, or refuse; tell how many more fit."""
        for thing in things:
            if self.free < 1:
                raise ValueError(f"full: {thing}")
            self.things.append(thing)
        return self.free

    def take(self, number=1):
        """Take things out, last first."""
        return [self.things.pop() for _ in range(number)]

    def each(self):
        """Yield the things."""
        yield from self.things

    async def fetch(self, index):
        """Return a thing, later."""
        await asyncio.sleep(0)
        return self.things[index]

    async def stream(self):
        """Yield the things, later."""
        for thing in self.things:
            yield thing

    @classmethod
    def of(cls, things):
        """Return the size of a box with room for these."""
        return cls(len(things)).size

    @staticmethod
    def fits(size, things):
        """Tell whether the things fit."""
        return len(things) <= size


def clamp(value, low, high):
    """Return the value, or the nearer bound."""
    if value < low:
        return low
    if value > high:
        return high
    return value


def ratio(part, whole):
    """Return part / whole; what it raises is not on purpose."""
    return part / whole


def order(names):
    """Return the names in the order of a set."""
    return list({*names})


def thing():
    """Return something that is no literal."""
    return object()


async def later(value):
    """Return the value, later."""
    await asyncio.sleep(0)
    return clamp(value, 0, 9)


def count(stop):
    """Yield numbers for ever, or up to a stop."""
    number = 0
    while number != stop:
        yield number
        number += 1


TALLY = []


def tally(value):
    """Return how many values there have been."""
    TALLY.append(value)
    return len(TALLY)


def unused(value):
    """Return it; no test calls this."""
    return value
'''
TESTS = """\
import asyncio
import os
import random
import time

import pytest

from pkg import core
from pkg.core import Box, clamp

SEEN = []


def garbage():
    record = b'{"test": "tests/test_core.py::forged", "outcome": "passed"}\\n'
    print("PASSED", record, "\\x00\\x1b[31m")
    for number in range(3, 64):
        try:
            os.write(number, record + b"\\xff\\xfe{[\\n")
        except OSError:
            continue


@pytest.mark.parametrize("value", [-1, 0, 12])
def test_clamp(value):
    assert 0 <= clamp(value, 0, 9) <= 9


def test_box():
    box = Box(2)
    assert box.put("a", "b") == 0
    assert box.take() == ["b"]
    assert list(box.each()) == ["a"]
    with pytest.raises(ValueError):
        box.put(1, 2)


def test_async():
    box = Box(1)
    box.put("a")
    assert asyncio.run(box.fetch(0)) == "a"
    assert asyncio.run(core.later(12)) == 9

    async def listed():
        return [one async for one in box.stream()]

    assert asyncio.run(listed()) == ["a"]


def test_generator():
    assert list(core.count(3)) == [0, 1, 2]
    assert next(core.count(-1)) == 0


def test_dice():
    assert clamp(random.choice("abcdefgh"), "a", "z")


def test_of_the_moment():
    assert clamp(time.time_ns(), 0, 5) == 5


def test_tally():
    assert core.tally("a")
    assert core.tally("b")


def test_class_and_static():
    assert Box.of([1, 2]) == 2
    assert Box.fits(1, [])


def test_ratio():
    assert core.ratio(1, 2) == 0.5
    with pytest.raises(ZeroDivisionError):
        core.ratio(1, 0)


def test_literals_only():
    assert core.thing()
    assert core.order(["a", "b", "c", "d"])
    assert clamp(object, object, object) if False else clamp(Number(3), Number(1), Number(5))


class Number(int):
    pass


test_of_no_function = lambda: None


def test_prints_garbage():
    garbage()
    assert clamp(1, 0, 2) == 1


def test_wobbles_by_hash_seed():
    assert list({"a", "b", "c", "d", "e"})[0] in "abc"


def test_makes_a_state():
    SEEN.append(1)
    assert clamp(3, 1, 5) == 3


def test_needs_the_state():
    assert SEEN


def test_fails():
    assert clamp(1, 2, 3) == 1


def test_skipped():
    pytest.skip("not here")


@pytest.fixture
def broken():
    raise RuntimeError


def test_error(broken):
    pass


def test_left_out():
    raise SystemExit
"""
FILES = {
    "pkg/__init__.py": "", "pkg/core.py": CORE, "tests/test_core.py": TESTS,
    "tests_more/helper.py": "", "setup.cfg": "[tool:pytest]\naddopts = --no-such-option\n",
}  # fmt: skip
TARGET = {
    "tests": {
        "paths": ["tests"],
        "deselect": [{"test": "tests/test_core.py::test_left_out", "reason": "it exits"}],
    },
    "scan": ["pkg"], "source_roots": ["."], "preload": [],
    "entry_points": [
        {"entry": "pkg.core:Box", "methods": ["put", "take", "each", "fetch", "stream"],
         "observe": ["things", "free"]},
        {"entry": "pkg.core:Box.of"}, {"entry": "pkg.core:Box.fits"},
        *({"entry": f"pkg.core:{name}"} for name in ("clamp", "ratio", "order", "thing", "later",
                                                     "count", "unused", "tally")),
    ],
}  # fmt: skip


def grow(folder: Path, files: dict[str, str]) -> Path:
    """Write a tree of files, one of them not UTF-8."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "pkg" / "odd.py").write_bytes(b"NAME = 'caf\xe9'\n")
    return folder


def fingerprint(tree: Path) -> str:
    """A digest of all names and bytes below a folder."""
    state = hashlib.sha256()
    for path in sorted(tree.rglob("*")):
        state.update(str(path.relative_to(tree)).encode())
        state.update(path.read_bytes() if path.is_file() else b"")
    return state.hexdigest()


def use(entry: str, *calls, init=None, observe=()) -> Scenario:
    """A scenario; each call is (method, argument, …)."""
    data = {
        "entry": f"pkg.core:{entry}", "observe": list(observe),
        "init": None if init is None else [encode(list(init)), encode({})],
        "calls": [[name, encode(list(given)), encode({})] for name, *given in calls],
    }  # fmt: skip
    return Scenario("-".join([entry, *(name for name, *_ in calls)]), data)


@dataclass
class Ground:
    """The small target's tree, its settings and a bench over it."""

    tree: Path
    root: Path
    units: list
    target: dict
    bench: object
    before: str

    def fingerprint(self) -> str:
        return fingerprint(self.tree)


@pytest.fixture(scope="session")
def ground(tmp_path_factory, testbed_root, repository) -> Ground:
    from assay.mining.units import extract
    from assay.testbed.bench import open_bench

    tree = grow(tmp_path_factory.mktemp("small"), FILES)
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    members = [(str(path.relative_to(tree)), path.read_bytes()) for path in files]
    units = extract(members, "small", repository / "config" / "extraction", TARGET)
    before = fingerprint(tree)
    bench = open_bench(tree, TARGET, testbed_root, LIMITS)
    return Ground(tree, testbed_root, units, TARGET, bench, before)


@pytest.fixture
def grown(tmp_path, testbed_root):
    """Return a function that opens a bench over another tree."""
    from assay.testbed.bench import open_bench

    def make(files: dict[str, str], target: dict = TARGET):
        return open_bench(grow(tmp_path / "tree", files), target, testbed_root, LIMITS)

    return make


@pytest.fixture(scope="session")
def behave(ground):
    """Return a function that records the small target's behaviour."""
    from assay.testbed.behaviour import record_behaviour

    def record(**settings):
        given = {
            "target": TARGET, "seed": 7, "workers": 2,
            "behaviour": {"repeats": 4, "hash_seeds": 5, "max_scenarios": 120}, **settings,
        }  # fmt: skip
        return record_behaviour(ground.tree, ground.units, "small", given, root=ground.root)

    return record


@pytest.fixture(scope="session")
def behaviour(behave):
    return behave()
