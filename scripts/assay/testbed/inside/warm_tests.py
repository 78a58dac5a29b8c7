"""The warm server's tests: collected once by pytest, run in a fork for each job."""

from __future__ import annotations

import contextlib
import gc
import json
import sys
from typing import Any

import pytest

from assay.core.coverage import text_of
from assay.testbed.inside import frames, testing, tracing, tree, warm_plain
from assay.testbed.inside.supervise import Line
from assay.testbed.inside.swap import Early, Imported, is_function
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
        self.session, self.modules = session, tree.Modules()
        # A fork that looks at an item copies the memory that it is in: it looks at its own alone.
        self.places = {item.nodeid: number for number, item in enumerate(session.items)}
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
        items = self._items(job)
        reporter.pytest_collection_modifyitems(items)
        if any(item.nodeid not in self.plain for item in items):
            self.session.config.pluginmanager.register(reporter)
        with warm_plain.unheard():
            for item, following in zip(items, [*items[1:], None], strict=True):
                if job["lines_of"]:
                    self._traced(item, following, reporter, frozenset(job["lines_of"]))
                else:
                    self._test(item, following, reporter)
                if job["stop_at_first_failure"] and reporter.failed:
                    break
        reporter.line({"modules": self.modules.now()})
        reporter.line({"end": 0})

    def _items(self, job: dict[str, Any]) -> list[pytest.Item]:
        """Return the items that may be the job's tests, in file order."""
        if job["tests"] == ["*"] or len(self.places) < len(self.session.items):
            return list(self.session.items)
        places = sorted({self.places[name] for name in job["tests"] if name in self.places})
        return [self.session.items[place] for place in places]

    def _test(
        self, item: pytest.Item, following: pytest.Item | None, reporter: testing.Reporter
    ) -> None:
        if item.nodeid not in self.plain or not isinstance(item, pytest.Function):
            self.session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            return
        outcome = warm_plain.run(item, following)
        reporter.failed = reporter.failed or outcome in (warm_plain.FAILED, warm_plain.ERROR)
        reporter.line({"test": item.nodeid, "outcome": outcome})

    def _traced(
        self, item: pytest.Item, following: pytest.Item | None, reporter: testing.Reporter,
        files: frozenset[str],
    ) -> None:  # fmt: skip
        """Run a test and report the lines of these files that it executes.

        What ran when the target was imported counts as executed by every test. Of a test that was
        not watched all along nothing is reported.
        """
        with tracing.reached(lines=True, files=files) as found:
            mine = sys.gettrace()
            self._test(item, following, reporter)
            watched = sys.gettrace() is mine
        if watched:
            told = {place: text_of(some) for place, some in found.items()} | _whole(
                self.early, files
            )
            reached = [[*place, text] for place, text in sorted(told.items())]
            reporter.line({"traced": item.nodeid, "reached": reached})


def _whole(early: Early, files: frozenset[str]) -> dict[tuple[str, int], str]:
    """Return all lines of these files' functions that ran early, by path and first line."""
    found = {}
    for (name, first, _), code in early.places.items():
        path = tree.relative(name)
        if path in files and is_function(code):
            last = max(line for _, _, line in code.co_lines() if line is not None)
            found[path, first] = text_of(range(last - first + 1))
    return found


def serve(request: dict[str, Any], line: Line) -> None:
    """Collect the tests, then serve jobs."""
    early = Early()
    chosen = [*testing.ARGUMENTS, f"--rootdir={tree.TREE}", *request["test_arguments"], UNCAPTURED]
    with contextlib.suppress(SystemExit), early:
        pytest.main([*chosen, *request["test_paths"]], plugins=[Collected(line, early)])
