"""Warm servers tell of every kind of test what pytest itself tells of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hostile import unpacked

from assay.core.execution import Job, Limits

pytestmark = pytest.mark.slow
LIMITS = Limits(cpu_s=10, wall_s=60, memory_mb=768, output_mb=1, processes=32)
CORE = "def one():\n    return 1\n"
TESTS = """\
import os
import sys
import unittest
import warnings

import pytest

from pkg import core

LEFT = []


@pytest.fixture
def made():
    yield core.one()
    LEFT.append("made")


@pytest.fixture
def bad_setup():
    raise ValueError


@pytest.fixture
def bad_end():
    yield
    raise ValueError


@pytest.fixture
def asks(request):
    return request.node.name


@pytest.fixture(scope="module")
def shared():
    LEFT.append("shared")
    return LEFT


def test_passes(made):
    assert made == 1


def test_after(shared):
    assert LEFT == ["made", "shared"]


def test_shared(shared):
    assert shared.count("shared") == 1


def test_fails():
    assert core.one() == 2


def test_exits():
    sys.exit(0)


def test_bad_setup(bad_setup):
    pass


def test_bad_end(bad_end):
    pass


def test_fails_and_bad_end(bad_end):
    assert not core.one()


def test_skips():
    pytest.skip("no")


def test_skips_as_unittest_does():
    raise unittest.SkipTest


def test_xfails():
    pytest.xfail("known")


@pytest.mark.xfail
def test_marked_xfail():
    assert not core.one()


@pytest.mark.xfail(strict=True)
def test_xpasses():
    assert core.one()


@pytest.mark.skipif(True, reason="no")
def test_marked_skip():
    pass


@pytest.mark.filterwarnings("error")
def test_warns():
    warnings.warn("it")


def test_warns_unheard():
    warnings.warn("it")


def test_prints(capsys):
    print("heard")
    assert capsys.readouterr().out == "heard\\n"


def test_prints_much():
    print("x" * 3_000_000)
    os.write(2, b"x" * 3_000_000)


def test_own_folder(tmp_path):
    (tmp_path / "a").write_text("b")


def test_asks(asks):
    assert asks == "test_asks"


def test_knows_its_name(made):
    assert os.environ["PYTEST_CURRENT_TEST"].endswith("::test_knows_its_name (call)")


@pytest.mark.parametrize("value", [1, 2])
def test_each(value):
    assert core.one() == value


class TestGrouped:
    def setup_method(self):
        self.value = core.one()

    def test_set_up(self):
        assert self.value == 1


class TestUnit(unittest.TestCase):
    def test_unit(self):
        with self.subTest("a"):
            self.assertEqual(core.one(), 2)
"""
HOOK = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    result = yield
    assert item.name != "test_passes"
    return result
"""
TREES = {
    "plain": {},
    "with a hook": {"tests/conftest.py": HOOK},
    "with a filter": {"pytest.ini": "[pytest]\nfilterwarnings = error\n"},
}


@pytest.mark.parametrize("name", TREES)
def test_every_kind_of_test_has_the_outcome_that_pytest_gives_it(grown, name):
    bench = grown({"pkg/__init__.py": "", "pkg/core.py": CORE, "tests/test_kinds.py": TESTS,
                   **TREES[name]})  # fmt: skip
    job = Job(tests=["*"], limits=LIMITS)
    fresh = bench.run([replace(job, warm=False)])[0]
    tests = list(fresh.tests)
    served = bench.warm.run([Job(tests=tests, limits=LIMITS, warm=True)])[0]
    assert (served.result.outcome, served.result.tests) == (fresh.outcome, fresh.tests)
    assert served.result.tests["tests/test_kinds.py::test_passes"] == (
        "failed" if name == "with a hook" else "passed"
    )


@pytest.fixture(scope="module")
def cerberus(tmp_path_factory, testbed_root, repository, cerberus_archive):
    """A bench over Cerberus, the units of its schema.py, and the node ids of its tests."""
    from assay.core.settings import read_yaml
    from assay.mining.units import extract
    from assay.testbed.bench import open_bench

    target = read_yaml(repository / "config" / "targets" / "cerberus.yaml")
    tree = unpacked(cerberus_archive, tmp_path_factory.mktemp("cerberus"))
    member = ("cerberus/schema.py", (tree / "cerberus" / "schema.py").read_bytes())
    units = extract([member], "cerberus", repository / "config" / "extraction", {})
    bench = open_bench(tree, target, testbed_root)
    bench.workers = 2
    seen = bench.run([Job(tests=["*"])])[0]
    return bench, units, [name for name, outcome in seen.tests.items() if outcome == "passed"]


def sample_of(bench, units, tests):
    from assay.core.splice import replace_lines
    from assay.synthesis.mutants import all_mutants

    text = bench.read("cerberus/schema.py")
    return [
        Job({unit["path"]: replace_lines(text, unit["start_line"], unit["end_line"], made.source)},
            tests=tests, stop_at_first_failure=True)
        for unit in units[::2] if unit["kind"] in ("function", "method")
        for made in all_mutants(unit, 1)[:1]
    ]  # fmt: skip


def test_mutants_of_cerberus_are_judged_warm_as_they_are_cold(cerberus):
    from assay.testbed.reach import Reach, learn
    from assay.testbed.warm_judging import judge

    bench, units, tests = cerberus
    jobs = sample_of(bench, units, tests[::4])
    fresh = bench.run([replace(job, warm=False) for job in jobs])
    warm = bench.run([replace(job, warm=True) for job in jobs])
    assert [(one.outcome, one.tests) for one in warm] == [(one.outcome, one.tests) for one in fresh]
    killed = [
        one.outcome != "ran" or bool({"failed", "error"} & set(one.tests.values())) for one in fresh
    ]
    reach = learn(bench, tests[::4], ["cerberus/schema.py"])
    assert len(reach.lines) == len(tests[::4])
    by_all, by_line = judge(bench, jobs, Reach({}), 2), judge(bench, jobs, reach, 2)
    assert [one.killed for one in by_all] == [one.killed for one in by_line] == killed
    assert sum(one.ran for one in by_line) < 0.7 * sum(one.ran for one in by_all)
    assert 2 < sum(killed) < len(killed) - 2  # else it shows little
