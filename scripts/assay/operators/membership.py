"""Membership: `in` and `not in` trade places."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, swap_comparison

PARAMETERS = NO_PARAMETERS
LOUD = True
EXAMPLES = {
    "def f(a, b):\n    return a in b\n": {"def f(a, b):\n    return a not in b\n"},
    "def f(a, b):\n    for x in b:\n        if x not in a:\n            return x\n": {
        "def f(a, b):\n    for x in b:\n        if x in a:\n            return x\n"
    },
}
_SWAPS: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.In: ast.NotIn, ast.NotIn: ast.In}
_SAID: dict[type[ast.cmpop], str] = {
    ast.In: "the case is that {0} is contained in {1}",
    ast.NotIn: "the case is that {0} is missing from {1}",
}


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each membership test turned round."""
    yield from swap_comparison(code, _SWAPS, _SAID)
