"""A missing or added `not`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, short

PARAMETERS = NO_PARAMETERS
LOUD = True
EXAMPLES = {
    "def f(a):\n    return not (a or 1)\n": {"def f(a):\n    return (a or 1)\n"},
    "def f(a):\n    if a.b(1):\n        return 2\n": {
        "def f(a):\n    if not a.b(1):\n        return 2\n"
    },
    "def f(a):\n    if a and isinstance(a, int):\n        return 2\n": {
        "def f(a):\n    if not a and isinstance(a, int):\n        return 2\n",
        "def f(a):\n    if a and not isinstance(a, int):\n        return 2\n",
    },
}
_PLAIN = ast.Name | ast.Attribute | ast.Call | ast.Subscript


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each `not` dropped, and one added before each plain condition."""
    for node in code.nodes(ast.UnaryOp):
        if isinstance(node.op, ast.Not):
            rest = code.text(node)[len("not") :].lstrip()
            rule = f"the case is that `{short(code.text(node.operand))}` holds"
            yield code.replace(node, rest, rule)
    for test in _conditions(code):
        text = code.text(test)
        yield code.replace(test, f"not {text}", f"the case is that `{short(text)}` does not hold")


def _conditions(code: Code) -> Iterator[ast.expr]:
    branches: list[ast.If | ast.While | ast.IfExp] = [
        *code.nodes(ast.If),
        *code.nodes(ast.While),
        *code.nodes(ast.IfExp),
    ]
    for node in branches:
        tests = node.test.values if isinstance(node.test, ast.BoolOp) else [node.test]
        yield from (item for item in tests if isinstance(item, _PLAIN))
