"""Branches: an `else` or `elif` branch is dropped, `elif` becomes `if`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, short

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f(a):\n    if a:\n        b = 1\n    else:\n        b = 2\n    return b\n": {
        "def f(a):\n    if a:\n        b = 1\n    return b\n"
    },
    "def f(a):\n    if a:\n        g()\n    elif a is 1:\n        h()\n    return a\n": {
        "def f(a):\n    if a:\n        g()\n    return a\n",
        "def f(a):\n    if a:\n        g()\n    if a is 1:\n        h()\n    return a\n",
    },
}


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each alternative branch dropped, and each `elif` made independent."""
    for node in code.nodes(ast.If):
        if not node.orelse:
            continue
        start = code.whole_lines(node.body[-1], node.body[-1])[1]
        end = code.whole_lines(node.orelse[-1], node.orelse[-1])[1]
        first = node.orelse[0]
        head = code.cut(start, end).lstrip()
        if not head.startswith(("else", "elif")):
            continue  # a comment stands between, or both share a line
        rule = f"nothing is done where `{short(code.text(node.test))}` does not hold"
        yield Edit(start, end, "", rule, deletes=True)
        if head.startswith("elif") and isinstance(first, ast.If):
            at = code.span(first)[0]
            rule = f"`{short(code.text(first.test))}` is tested whatever came before"
            yield Edit(at, at + len("elif"), "if", rule)
