"""Which unit a place in the tree belongs to, and whether a line raises on purpose."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

CALLABLE = ("function", "method")


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
        pairs = [tuple(pair) for pair in reached or () if isinstance(pair, list)]
        return tuple(sorted({self.known[pair] for pair in pairs if pair in self.known}))

    def is_raise(self, place: Any) -> bool:
        """Tell whether [path, line] is a `raise` statement of the target's own code."""
        if not isinstance(place, list) or len(place) != 2:
            return False
        path, line = place
        if not isinstance(path, str) or path.startswith(self.tests):
            return False
        if path not in self.raises:
            self.raises[path] = _raising_lines(self.tree / path)
        return line in self.raises[path]


def _raising_lines(path: Path) -> set[int]:
    module = ast.parse(path.read_bytes())
    return {
        line
        for node in ast.walk(module)
        if isinstance(node, ast.Raise)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
