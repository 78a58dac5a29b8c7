"""Order of normalisation: two steps that follow each other trade places."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from assay.operators.base import NO_PARAMETERS, Code, Edit, short

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f(self, a):\n    self.purge(a)\n    self.rename(a)\n    return a\n": {
        "def f(self, a):\n    self.rename(a)\n    self.purge(a)\n    return a\n"
    },
    "def f(a):\n    a = g(a)\n    a = h(a)\n    return a\n": {
        "def f(a):\n    a = h(a)\n    a = g(a)\n    return a\n"
    },
    "def f(a):\n    return a.strip().replace('_', ' ')\n": {
        "def f(a):\n    return a.replace('_', ' ').strip()\n"
    },
    "def f(a):\n    b = g(a)\n    c = h(b)\n    return c\n": set(),
    "def f(a):\n    g(a); h(a)\n    return a.b().c\n": set(),
}
_TEXT = frozenset({"strip", "lstrip", "rstrip", "lower", "upper", "title", "replace", "casefold"})


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each pair of neighbouring steps, or of text methods in a chain, swapped."""
    for block in _blocks(code):
        for left, right in pairwise(block):
            first, middle = code.whole_lines(left, left)
            start, end = code.whole_lines(right, right)
            if start == middle and _is_step(left) and _same_kind(left, right):
                names = f"`{short(code.text(right))}` comes before `{short(code.text(left))}`"
                yield Edit(first, end, code.cut(start, end) + code.cut(first, middle), names)
    for call in code.nodes(ast.Call):
        inner = _chained(call)
        if inner is not None:
            base, middle = code.span(inner.func.value)[1], code.span(inner)[1]  # type: ignore[attr-defined]
            end = code.span(call)[1]
            new = code.cut(middle, end) + code.cut(base, middle)
            rule = f"`{short(code.cut(middle, end))}` is applied first"
            yield Edit(base, end, new, rule)


def _blocks(code: Code) -> Iterator[list[ast.stmt]]:
    yield code.statements()
    for node in code.nodes(ast.If, ast.For, ast.While, ast.With, ast.Try):
        for name in ("body", "orelse", "finalbody"):
            yield getattr(node, name, [])


def _is_step(node: ast.stmt) -> bool:
    """Say whether a statement is a call for its effect, or gives a name the result of a call."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call)
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)


def _same_kind(left: ast.stmt, right: ast.stmt) -> bool:
    if isinstance(left, ast.Assign) and isinstance(right, ast.Assign) and _is_step(right):
        name = getattr(left.targets[0], "id", None)
        reads = {node.id for node in ast.walk(right.value) if isinstance(node, ast.Name)}
        return name == getattr(right.targets[0], "id", "") and name in reads
    return isinstance(left, ast.Expr) and isinstance(right, ast.Expr) and _is_step(right)


def _chained(call: ast.Call) -> ast.Call | None:
    """Return the inner call of `x.inner().outer()`, both of them methods of texts."""
    func = call.func
    inner = func.value if isinstance(func, ast.Attribute) and func.attr in _TEXT else None
    if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
        return inner if inner.func.attr in _TEXT - {getattr(func, "attr", "")} else None
    return None
