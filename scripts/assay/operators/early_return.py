"""Early return: a guard clause is lost, or a result is not returned."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, short

PARAMETERS = NO_PARAMETERS
LOUD = True
EXAMPLES = {
    "def f(self, a):\n    if a:\n        return\n    return self.g(a)\n": {
        "def f(self, a):\n    return self.g(a)\n",
        "def f(self, a):\n    if a:\n        return\n    self.g(a)\n",
    },
    "def f(a):\n    return bool(a.get(1))\n": set(),
}


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each guard clause dropped, and each returned call of an own method only called."""
    for node in code.nodes(ast.If):
        if _is_guard(node):
            rule = f"there is no early return where `{short(code.text(node.test))}` holds"
            yield Edit(*code.whole_lines(node, node), "", rule, deletes=True)
    for done in code.nodes(ast.Return):
        call = done.value
        if isinstance(call, ast.Call) and _is_own(call.func):
            text = code.text(call)
            yield code.replace(done, text, f"`{short(text)}` is called and its result dropped")


def _is_own(func: ast.expr) -> bool:
    """Say whether a call is one of `self.method(…)`: it may well be made for its effect."""
    return isinstance(func, ast.Attribute) and getattr(func.value, "id", "") == "self"


def _is_guard(node: ast.If) -> bool:
    return not node.orelse and len(node.body) == 1 and isinstance(node.body[0], ast.Return)
