"""Relational boundaries: `<` and `<=`, `>` and `>=` trade places."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, swap_comparison

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f(a, b):\n    return a < b\n": {"def f(a, b):\n    return a <= b\n"},
    "def f(a):\n    return 0 <= (a) > 1\n": {
        "def f(a):\n    return 0 < (a) > 1\n",
        "def f(a):\n    return 0 <= (a) >= 1\n",
    },
}
_SWAPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
_SAID: dict[type[ast.cmpop], str] = {
    ast.Lt: "the limit itself is excluded: {0} must be strictly less than {1}",
    ast.LtE: "the limit itself is included: {0} may be equal to {1}, or less",
    ast.Gt: "the limit itself is excluded: {0} must be strictly greater than {1}",
    ast.GtE: "the limit itself is included: {0} may be equal to {1}, or greater",
}


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each boundary moved by one."""
    yield from swap_comparison(code, _SWAPS, _SAID)
