"""The warm server's tests: collected once by pytest, run in a fork for each job."""

from __future__ import annotations

import contextlib
import gc
import json
from typing import Any

import pytest

from assay.testbed.inside import frames, testing, warm_plain
from assay.testbed.inside.supervise import Line
from assay.testbed.inside.swap import Early, Imported
from assay.testbed.inside.tree import TREE, imported_files
from assay.testbed.inside.warm import Server

UNCAPTURED = "--capture=no"  # `warm_plain.unheard` drops the output instead, which costs nothing
GARBAGE = 20_000  # new objects between two collections in a fork, which lives for a second or so


class Collected:
    """A pytest plug-in that serves jobs instead of running the collected tests."""

    def __init__(self, line: Line, early: Early) -> None:
        self.line, self.early = line, early

    @pytest.hookimpl(tryfirst=True)  # type: ignore[untyped-decorator]
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Serve until standard input ends; a fork runs the tests of its job and never returns."""
        self.early.__exit__()
        self.session = session
        alone = warm_plain.hooks_are_pytest_s(session.config)
        self.plain = {
            item.nodeid for item in session.items if alone and warm_plain.is_plain(item)
        }  # fmt: skip
        imported, server = Imported(self.early), Server(self.line, frames.TESTS)
        for request in self.line.requests:
            server.serve(json.loads(request), imported, self._run)
        return True

    def _run(self, job: dict[str, Any], report: int) -> None:
        """Run the job's tests in this fork, and report as `testing.run` does."""
        gc.set_threshold(GARBAGE)
        reporter = testing.Reporter(job, report)
        self.session.config.pluginmanager.register(reporter)
        items = list(self.session.items)
        reporter.pytest_collection_modifyitems(items)
        with warm_plain.unheard():
            for item, following in zip(items, [*items[1:], None], strict=True):
                self._test(item, following, reporter)
                if job["stop_at_first_failure"] and reporter.failed:
                    break
        reporter.line({"modules": imported_files()})
        reporter.line({"end": 0})

    def _test(
        self, item: pytest.Item, following: pytest.Item | None, reporter: testing.Reporter
    ) -> None:
        if item.nodeid not in self.plain or not isinstance(item, pytest.Function):
            self.session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            return
        outcome = warm_plain.run(item, following)
        reporter.failed = reporter.failed or outcome in (warm_plain.FAILED, warm_plain.ERROR)
        reporter.line({"test": item.nodeid, "outcome": outcome})


def serve(request: dict[str, Any], line: Line) -> None:
    """Collect the tests, then serve jobs."""
    early = Early()
    chosen = [*testing.ARGUMENTS, f"--rootdir={TREE}", *request["test_arguments"], UNCAPTURED]
    with contextlib.suppress(SystemExit), early:
        pytest.main([*chosen, *request["test_paths"]], plugins=[Collected(line, early)])
