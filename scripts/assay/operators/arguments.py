"""Argument order: two neighbouring arguments of a call trade places."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from assay.operators.base import NO_PARAMETERS, Code, Edit, short

PARAMETERS = NO_PARAMETERS
LOUD = True
EXAMPLES = {
    "def f(a, b):\n    return g(a, b.c, 1)\n": {"def f(a, b):\n    return g(b.c, a, 1)\n"},
    "def f(a, b):\n    return g(*a, b) or isinstance(a, b)\n": set(),
}
_PLAIN = ast.Name | ast.Attribute
_TYPED = frozenset({"isinstance", "issubclass", "getattr", "hasattr", "setattr"})


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each pair of neighbouring plain arguments swapped."""
    for node in code.nodes(ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in _TYPED:
            continue  # nobody mixes these up: the first call fails
        for left, right in pairwise(node.args):
            if isinstance(left, _PLAIN) and isinstance(right, _PLAIN):
                start, end = code.span(left)[0], code.span(right)[1]
                middle = code.cut(code.span(left)[1], code.span(right)[0])
                new = code.text(right) + middle + code.text(left)
                names = f"`{short(code.text(right))}` and then `{short(code.text(left))}`"
                yield Edit(start, end, new, f"`{short(code.text(node.func))}` is given {names}")
