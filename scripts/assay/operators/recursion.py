"""Recursion: a level is not descended into, or the base case gives None."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, short

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f(a):\n    if not a:\n        return []\n    return [f(b) for b in a]\n": {
        "def f(a):\n    if not a:\n        return None\n    return [f(b) for b in a]\n",
        "def f(a):\n    if not a:\n        return []\n    return [b for b in a]\n",
    },
    "def f(self, a):\n    return tuple(self.f(b.c) for b in a)\n": {
        "def f(self, a):\n    return tuple(b.c for b in a)\n"
    },
    "def f(a):\n    if not a:\n        return []\n    g(a)\n    return f(a[1:], 2)\n": {
        "def f(a):\n    if not a:\n        return None\n    g(a)\n    return f(a[1:], 2)\n"
    },
    "def f(a):\n    if not a:\n        return []\n    return g(a)\n": set(),
}
_BLANK = ast.List | ast.Dict | ast.Tuple


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each recursive call replaced by its argument, and each empty base case by None."""
    own = [call for call in code.nodes(ast.Call) if _is_own(code, call.func)]
    if not own:
        return
    for call in own:
        given = call.args[0] if len(call.args) == 1 and not call.keywords else None
        used = not isinstance(code.parent(call), ast.Expr)
        if used and isinstance(given, ast.Name | ast.Attribute | ast.Subscript):
            text = code.text(given)
            rule = f"`{short(text)}` is taken as it is, without going down into it"
            yield code.replace(call, text, rule)
    for node in code.nodes(ast.If):
        done = node.body[0]
        if len(node.body) == 1 and isinstance(done, ast.Return) and _is_blank(done.value):
            rule = f"the result is None where `{short(code.text(node.test))}` holds"
            yield code.replace(done, "return None", rule)


def _is_own(code: Code, func: ast.expr) -> bool:
    """Say whether a call is one of the unit itself, plain or as a method of its own object."""
    if isinstance(func, ast.Attribute):
        owner = getattr(func.value, "id", "")
        return owner in {"self", "cls"} and func.attr == code.unit.name
    return isinstance(func, ast.Name) and func.id == code.unit.name


def _is_blank(node: ast.expr | None) -> bool:
    empty = not (getattr(node, "elts", None) or getattr(node, "keys", None))
    return isinstance(node, _BLANK) and empty
