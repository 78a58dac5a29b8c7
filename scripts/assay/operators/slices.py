"""Slices and ranges: a bound moved by one, an index from the other end."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, short

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f(a):\n    return a[1:]\n": {"def f(a):\n    return a[2:]\n"},
    "def f(a):\n    return a[:-1]\n": {"def f(a):\n    return a[:-2]\n"},
    "def f(a):\n    return a[0]\n": {"def f(a):\n    return a[-1]\n"},
    "def f(a):\n    return a[-1]\n": {"def f(a):\n    return a[0]\n"},
    "def f(n):\n    return list(range(n))\n": {"def f(n):\n    return list(range(1, n))\n"},
    "def f(a, n):\n    return a[n:]\n": {"def f(a, n):\n    return a[n + 1:]\n"},
    "def f(a, n):\n    return a[:n]\n": {"def f(a, n):\n    return a[:n - 1]\n"},
}


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each bound of a slice or range moved, and each end index turned to the other end."""
    for node in code.nodes(ast.Subscript):
        text = short(code.text(node.value))
        if isinstance(node.slice, ast.Slice):
            yield from _bounds(code, node.slice, text)
        elif _number(node.slice) in {0, -1}:
            new = "-1" if _number(node.slice) == 0 else "0"
            end = "last" if new == "-1" else "first"
            yield code.replace(node.slice, new, f"the {end} item of `{text}` is taken")
    for call in code.nodes(ast.Call):
        if isinstance(call.func, ast.Name) and call.func.id == "range" and len(call.args) == 1:
            new = f"1, {code.text(call.args[0])}"
            yield code.replace(call.args[0], new, "the range begins at 1")


def _bounds(code: Code, node: ast.Slice, text: str) -> Iterator[Edit]:
    rule = f"the slice of `{text}` is one item shorter"
    for bound, sign in ((node.lower, 1), (node.upper, -1)):
        if bound is None:
            continue
        number = _number(bound)
        if number is not None and number + sign != 0:
            yield code.replace(bound, str(number + sign), rule)
        elif isinstance(bound, ast.Name):
            yield code.replace(bound, f"{bound.id} {'+' if sign > 0 else '-'} 1", rule)


def _number(node: ast.AST) -> int | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    return None
