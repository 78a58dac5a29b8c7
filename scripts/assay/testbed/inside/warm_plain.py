"""Runs a plain test without pytest's hooks: its own three phases, and nothing around them.

What pytest's own plug-ins would do around a plain test (reports, captured output, warnings that
nobody made errors) has no effect on its outcome. Whatever could have one is left to pytest's full
protocol: a hook of the target's, markers, built-in fixtures, filters for warnings, other items.
"""

from __future__ import annotations

import contextlib
import os
import sys
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest import runner

PASSED, SKIPPED, FAILED, ERROR = "passed", "skipped", "failed", "error"
WITH_EFFECT = ("skip", "skipif", "xfail", "filterwarnings")  # markers
HOOKS = (
    "pytest_runtest_protocol", "pytest_runtest_logstart", "pytest_runtest_setup",
    "pytest_runtest_call", "pytest_runtest_teardown", "pytest_runtest_makereport",
    "pytest_runtest_logreport", "pytest_runtest_logfinish", "pytest_exception_interact",
)  # fmt: skip
SKIPS = (pytest.skip.Exception, pytest.xfail.Exception, unittest.SkipTest)


def hooks_are_pytest_s(config: pytest.Config) -> bool:
    """Tell whether nothing but pytest itself takes part in running a test."""
    filters = config.getini("filterwarnings") or config.getoption("pythonwarnings", None)
    impls = [impl for name in HOOKS for impl in getattr(config.hook, name).get_hookimpls()]
    return not filters and all(impl.function.__module__.startswith("_pytest.") for impl in impls)


def is_plain(item: pytest.Item) -> bool:
    """Tell whether a test's outcome depends on its own code and fixtures alone."""
    if type(item) is not pytest.Function:
        return False
    known = item._fixtureinfo  # noqa: SLF001 (pytest shows it nowhere else)
    own = all(
        not fixture.func.__module__.startswith("_pytest.")
        for fixtures in known.name2fixturedefs.values() for fixture in fixtures
    )  # fmt: skip
    marked = any(mark.name in WITH_EFFECT for mark in item.iter_markers())
    return own and not marked and "request" not in known.names_closure


def run(item: pytest.Function, following: pytest.Item | None) -> str:
    """Run a plain test; return its outcome: the worst of its phases, as pytest ranks them."""
    outcome = _phase(lambda: runner.pytest_runtest_setup(item), ERROR)
    if outcome == PASSED:
        outcome = _phase(lambda: runner.pytest_runtest_call(item), FAILED)
    ended = _phase(lambda: runner.pytest_runtest_teardown(item, following), ERROR)
    item._request = False  # noqa: SLF001 (as pytest's protocol does)
    item.funcargs = None
    return max(outcome, ended, key=(PASSED, SKIPPED, FAILED, ERROR).index)


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Drop what is printed, as pytest's capture does with what passing tests print."""
    kept = [os.dup(number) for number in (1, 2)]
    with Path(os.devnull).open("wb") as nothing:
        for number in (1, 2):
            os.dup2(nothing.fileno(), number)
    try:
        yield
    finally:
        sys.stdout.flush()
        for number, handle in zip((1, 2), kept, strict=True):
            os.dup2(handle, number)
            os.close(handle)


def _phase(step: Callable[[], Any], otherwise: str) -> str:
    try:
        step()
    except SKIPS:
        return SKIPPED
    except (KeyboardInterrupt, pytest.exit.Exception):
        raise  # they end pytest's run too
    except BaseException:  # noqa: BLE001 (whatever a test raises is its outcome)
        return otherwise
    return PASSED
