"""Which tests can meet a change: those that execute a line of the statement around it.

Control comes to a changed statement by its first line, whatever the change made of it, and to what
stands in a changed `if`, loop or `try` by a line of that. So a test that executes no line of the
smallest statement around a change does what it did before. Which lines a test executes is seen
where it runs alone, in a fork that nothing has run in before: caches are empty then. (Among other
tests it may execute fewer, and more only if it depends on what they leave behind.)
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from assay.core.coverage import lines_of as offsets_of
from assay.core.execution import Job
from assay.testbed.bench import Extras, SandboxBench
from assay.testbed.inside.partial import Range, changed_lines, lines_of

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Lines = Mapping[str, frozenset[int]]  # path in the tree -> lines


@dataclass(frozen=True)
class Reach:
    """The lines that tests execute alone.

    lines: by node id; a test that is missing may meet anything
    files: paths in the tree that were watched; a change of others may be met by all
    """

    lines: Mapping[str, Lines]
    files: frozenset[str] = frozenset()

    def meeting(self, job: Job, bench: SandboxBench) -> list[str]:
        """Return those of a job's tests, in their order, that can meet its changes."""
        spans = [(path, met_at(bench.read(path), text)) for path, text in job.files.items()]
        return [test for test in job.tests if self._can_meet(test, spans)]

    def _can_meet(self, test: str, spans: Sequence[tuple[str, Range | None]]) -> bool:
        lines = self.lines.get(test)
        if lines is None:
            return True
        return any(
            span is None
            or path not in self.files
            or any(span[0] <= line <= span[1] for line in lines.get(path, ()))
            for path, span in spans
        )


def learn(bench: SandboxBench, tests: Sequence[str], files: Collection[str]) -> Reach:
    """Run each test alone on the unchanged tree and note the lines of the files it executes."""
    jobs = [Job(tests=(test,), warm=True) for test in tests]
    extras = Extras(lines_of=tuple(sorted(files)))
    found = {}
    for test, report in zip(tests, bench.run_with(jobs, extras), strict=True):
        told = report.reached.get(test)
        if report.result.tests.get(test) == "passed" and told is not None:
            found[test] = _lines(told)
    return Reach(found, frozenset(files))


def _lines(told: Sequence[Any]) -> Lines:
    found: dict[str, set[int]] = {}
    for path, first, offsets in told:
        found.setdefault(path, set()).update(first + one for one in offsets_of(offsets))
    return {path: frozenset(lines) for path, lines in found.items()}


def met_at(old: str, new: str) -> Range | None:
    """Return the lines of which one is executed before a change is met; None if that is unknown.

    old, new: texts of a file. Unknown is a change that is not within one function.
    """
    first, last = changed_lines(lines_of(old), lines_of(new))
    found = None
    for span in _spans(old):
        if span[0] <= first and last <= span[1]:
            found = span
    return found


@lru_cache(maxsize=16)
def _spans(text: str) -> tuple[Range, ...]:
    """Return the lines of the functions and of the statements in them, outer before inner ones."""
    return tuple(_inner(ast.parse(text), inside=False))


def _inner(node: ast.AST, *, inside: bool) -> Iterator[Range]:
    for child in ast.iter_child_nodes(node):
        within = inside or isinstance(child, FUNCTIONS)
        if within and isinstance(child, ast.stmt) and not _is_silent(child):
            yield child.lineno, child.end_lineno or child.lineno
        if not isinstance(child, ast.expr):
            yield from _inner(child, inside=within)


def _is_silent(node: ast.stmt) -> bool:
    """Tell whether a statement has no code of its own, so that its lines are never executed."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    without_value = isinstance(node, ast.AnnAssign) and node.value is None
    return without_value or isinstance(node, ast.Global | ast.Nonlocal)
