"""Equality and identity: `==` and `!=`, `is` and `is not` trade places."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, swap_comparison

PARAMETERS = NO_PARAMETERS
LOUD = True
EXAMPLES = {
    "def f(a):\n    return a == 1\n": {"def f(a):\n    return a != 1\n"},
    "def f(a):\n    return a is  not None\n": {"def f(a):\n    return a is None\n"},
}
_SWAPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_SAID: dict[type[ast.cmpop], str] = {
    ast.Eq: "the case is that {0} equals {1}",
    ast.NotEq: "the case is that {0} differs from {1}",
    ast.Is: "the case is that {0} is {1}",
    ast.IsNot: "the case is that {0} is anything but {1}",
}


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each equality or identity turned round."""
    yield from swap_comparison(code, _SWAPS, _SAID)
