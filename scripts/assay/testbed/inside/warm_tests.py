"""The warm server's tests: collected once by pytest, run in a fork for each job."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest

from assay.testbed.inside import frames, testing
from assay.testbed.inside.swap import Early, Imported, Swap
from assay.testbed.inside.tree import TREE, imported_files
from assay.testbed.inside.warm import Line, Server


class Collected:
    """A pytest plug-in that serves jobs instead of running the collected tests."""

    def __init__(self, line: Line, early: Early) -> None:
        self.line, self.early = line, early

    @pytest.hookimpl(tryfirst=True)  # type: ignore[untyped-decorator]
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Serve until standard input ends; a fork runs the tests of its job and never returns."""
        self.early.__exit__()
        self.items = {item.nodeid: item for item in session.items}
        self.session = session
        imported, server = Imported(self.early), Server(self.line, frames.TESTS)
        for request in self.line.requests:
            server.serve(json.loads(request), imported, self._run)
        return True

    def _run(self, job: dict[str, Any], _swaps: list[Swap], report: int) -> None:
        """Run the job's tests in this fork, and report as `testing.run` does."""
        reporter = testing.Reporter(job, report)
        config = self.session.config
        config.pluginmanager.register(reporter)
        items = [item for item in self.items.values() if item.nodeid in set(job["tests"])]
        reporter.pytest_collection_modifyitems(items)
        for item, following in zip(items, [*items[1:], None], strict=True):
            config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if job["stop_at_first_failure"] and reporter.failed:
                break
        reporter.line({"modules": imported_files()})
        reporter.line({"end": 0})


def serve(request: dict[str, Any], line: Line) -> None:
    """Collect the tests, then serve jobs."""
    early = Early()
    chosen = [*testing.ARGUMENTS, f"--rootdir={TREE}", *request["test_arguments"]]
    with contextlib.suppress(SystemExit), early:
        pytest.main([*chosen, *request["test_paths"]], plugins=[Collected(line, early)])
