"""Runs the target's tests through pytest and reports each by node id over a pipe."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from assay.testbed.inside import tracing
from assay.testbed.inside.frames import send
from assay.testbed.inside.tree import TREE, imported_files

ARGUMENTS = (
    "-p", "no:cacheprovider", "-o", "addopts=", "--assert=plain", "-q", "--tb=line",
    "--no-header", "--disable-warnings", "-p", "no:faulthandler", "-p", "no:logging",
)  # fmt: skip
ORDER = ("passed", "skipped", "failed", "error")  # a test is worth its worst phase


class Reporter:
    """A pytest plug-in: selects, shuffles, reports. Every line begins with the run's own key."""

    def __init__(self, job: dict[str, Any], report: int) -> None:
        self.job, self.handle = job, report
        self.key = secrets.token_hex(16)
        self.outcomes: dict[str, str] = {}
        self.failed = False
        self.wanted = None if job["tests"] == ["*"] else frozenset(job["tests"])
        self.left_out = tuple(job["deselect"])
        self.line({"key": self.key})

    def line(self, record: dict[str, Any]) -> None:
        """Send one record."""
        send(self.handle, (self.key + json.dumps(record) + "\n").encode())

    @pytest.hookimpl(trylast=True)  # type: ignore[untyped-decorator]
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the wanted tests, in file order, as they are listed, or in a seeded order."""
        items[:] = [item for item in items if self._is_wanted(item.nodeid)]
        seed = self.job["order_seed"]
        if self.job["as_listed"]:
            listed = {name: number for number, name in enumerate(self.job["tests"])}
            items.sort(key=lambda item: listed.get(item.nodeid, 0))
        if seed is not None:
            items.sort(key=lambda item: _draw(seed, item.nodeid))

    def _is_wanted(self, node: str) -> bool:
        if self.wanted is not None:
            return node in self.wanted
        return not any(
            node == left or node.startswith((left + "[", left + "::")) for left in self.left_out
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Report what could not be collected."""
        if report.failed:
            self.line({"collect": report.nodeid, "text": str(report.longrepr)[-2000:]})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a phase of a test."""
        outcome = str(report.outcome)
        if outcome == "failed" and report.when != "call":
            outcome = "error"
        self.failed = self.failed or outcome in ("failed", "error")
        before = self.outcomes.get(report.nodeid, ORDER[0])
        self.outcomes[report.nodeid] = max(before, outcome, key=ORDER.index)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Report a test that has ended, teardown included."""
        self.line({"test": nodeid, "outcome": self.outcomes.pop(nodeid, "error")})


class Tracer:
    """A pytest plug-in that reports which functions of the tree each test executes."""

    def __init__(self, line: Callable[[dict[str, Any]], None]) -> None:
        self.line = line

    @pytest.hookimpl(wrapper=True)  # type: ignore[untyped-decorator]
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        """Trace one test with its fixtures."""
        with tracing.reached() as found:
            result = yield
        self.line({"traced": item.nodeid, "reached": sorted(found)})
        return result


def run(job: dict[str, Any], report: int, plugins: Sequence[Any] = ()) -> None:
    """Run the job's tests; report records and, at the very end, that the end was reached."""
    # Tests that throw dice throw the same ones on every machine, and others under another seed.
    random.seed(int(os.environ.get("PYTHONHASHSEED", "0")))
    reporter = Reporter(job, report)
    chosen = [*ARGUMENTS, f"--rootdir={TREE}", *job["test_arguments"]]
    if job["stop_at_first_failure"]:
        chosen.append("-x")
    extra = [Tracer(reporter.line)] if job["trace"] else []
    with contextlib.suppress(SystemExit):
        code = pytest.main([*chosen, *_paths(job)], plugins=[reporter, *extra, *plugins])
        for plugin in plugins:
            plugin.finish(reporter.line)
        reporter.line({"modules": imported_files()})
        reporter.line({"end": int(code)})


def _paths(job: dict[str, Any]) -> list[str]:
    if job["tests"] == ["*"]:
        return list(job["test_paths"])
    return sorted({node.partition("::")[0] for node in job["tests"]})


def _draw(seed: int, node: str) -> str:
    return hashlib.sha256(f"{seed} {node}".encode()).hexdigest()
