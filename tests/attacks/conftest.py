"""The targets that answers are tried on, opened once, and the cases as tests."""

from __future__ import annotations

import pytest
from hostile import CASES, LIMITS, Case, Range, cerberus_range, read_cases, tiny_range
from traces import adopt_orphans, look_at

from assay.core.execution import Limits


@pytest.fixture(scope="session")
def tiny(tmp_path_factory, testbed_root) -> Range:
    return tiny_range(tmp_path_factory.mktemp("tiny"), testbed_root)


@pytest.fixture(scope="session")
def cerberus(tmp_path_factory, testbed_root, cerberus_archive) -> Range:
    return cerberus_range(cerberus_archive, tmp_path_factory.mktemp("cerberus"), testbed_root)


@pytest.fixture(scope="session")
def tiny_alone(tiny) -> bytes:
    """The verdict of the right answer, before any hostile one."""
    return tiny.next_task()


@pytest.fixture(scope="session")
def cerberus_alone(cerberus) -> bytes:
    return cerberus.next_task()


@pytest.fixture(scope="module")
def look():
    """Return a function that sees what answers could leave behind on this machine.

    Of files it looks at a target's tree alone: tests share the other folders with whatever else
    runs here. `make attacks` looks at those.
    """
    with adopt_orphans():
        yield look_at


def pytest_generate_tests(metafunc):
    """Give each test of a case one case, named by its file."""
    for fixture, folder in (("tiny_case", "cases"), ("cerberus_case", "cerberus")):
        if fixture in metafunc.fixturenames:
            cases = read_cases(CASES / folder)
            metafunc.parametrize(fixture, [param(case) for case in cases])


def param(case: Case):
    """A case whose head says `gap` is known to succeed still, and why."""
    gap = case.head.get("gap")
    marks = [pytest.mark.xfail(reason=gap, strict=True)] if gap else []
    return pytest.param(case, id=case.name, marks=marks)


@pytest.fixture(scope="session")
def attack_cases() -> dict[str, str]:
    return {case.name: case.answer for case in read_cases(CASES / "cases")}


@pytest.fixture(scope="session")
def limits() -> Limits:
    return LIMITS
