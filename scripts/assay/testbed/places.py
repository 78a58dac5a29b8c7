"""Which unit a place in the tree belongs to, and whether a line raises on purpose."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.testbed.inside.tree import is_below

CALLABLE = ("function", "method")
LINES = re.compile(r"(?:\d{1,6}(?:-\d{1,6})?(?:,\d{1,6}(?:-\d{1,6})?)*)?")


class Places:
    """Maps first lines of functions to units, and lines to `raise` statements.

    tree:  the unchanged tree
    units: rows of the units table
    tests: folders of the target's tests, whose own `raise` does not count
    """

    def __init__(
        self, tree: Path, units: Iterable[Mapping[str, Any]], tests: Sequence[str]
    ) -> None:
        self.tree, self.tests = tree, tuple(tests)
        self.known = {
            (row["path"], row["start_line"]): str(row["unit_id"])
            for row in units
            if row["kind"] in CALLABLE
        }
        self.raises: dict[str, set[int]] = {}

    def units(self, reached: Any) -> tuple[str, ...]:
        """Return the sorted unit_ids among [[path, first line], …]; ignore what is malformed."""
        return tuple(self.executed(reached))

    def executed(self, reached: Any) -> dict[str, str]:
        """Return which lines of each unit were executed, by unit_id, sorted.

        reached: [[path, first line], …] or [[path, first line, offsets of lines], …] (see
        `core.coverage`); what is malformed is ignored
        """
        found = {}
        for place in reached if isinstance(reached, list) else []:
            head, lines = (place[:2], place[2:]) if isinstance(place, list) else (None, [])
            unit = self.known.get((head[0], head[1])) if head and _is_place(head) else None
            if unit is not None:
                given = lines[0] if len(lines) == 1 and isinstance(lines[0], str) else ""
                found[unit] = given if LINES.fullmatch(given) else ""
        return dict(sorted(found.items()))

    def is_raise(self, place: Any) -> bool:
        """Tell whether [path, line] is a `raise` statement of the target's own code."""
        if not _is_place(place):
            return False
        path, line = place
        if is_below(path, self.tests):
            return False
        if path not in self.raises:
            self.raises[path] = _raising_lines(self.tree, path)
        return line in self.raises[path]


def _is_place(value: Any) -> bool:
    """Tell whether a reported value is [path, line]: the sandbox may report anything."""
    kinds = [type(part) for part in value] if isinstance(value, list) else []
    return kinds == [str, int]


def _raising_lines(tree: Path, path: str) -> set[int]:
    try:
        file = (tree / path).resolve()
        if not file.is_relative_to(tree.resolve()) or not file.is_file():
            return set()  # a file that was made while it ran is not the target's code
        module = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError):  # also what can be no path: a NUL, 5,000 letters
        return set()
    return {
        line
        for node in ast.walk(module)
        if isinstance(node, ast.Raise)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
