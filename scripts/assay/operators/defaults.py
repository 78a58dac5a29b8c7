"""Argument defaults: another default value for a parameter."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f(a, b=True, *, c=2):\n    return b, c\n": {
        "def f(a, b=False, *, c=2):\n    return b, c\n",
        "def f(a, b=True, *, c=3):\n    return b, c\n",
    },
    "def f(a=()):\n    return a\n": {"def f(a=None):\n    return a\n"},
    "def f(a=None):\n    return a\n": set(),
}


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each constant default changed: a truth value, a number, an empty tuple or text."""
    arguments = code.unit.args
    for node in [*arguments.defaults, *arguments.kw_defaults]:
        new = _other(node) if node is not None else None
        if node is not None and new is not None:
            yield code.replace(node, new, f"the parameter's default is {new}")


def _other(node: ast.expr) -> str | None:
    if isinstance(node, ast.Tuple) and not node.elts:
        return "None"
    if not isinstance(node, ast.Constant):
        return None
    if isinstance(node.value, bool):
        return str(not node.value)
    if type(node.value) is int:
        return str(node.value + 1)
    return "None" if node.value == "" else None
