"""Early return: a guard clause is lost, or a result is not returned."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, short

PARAMETERS = NO_PARAMETERS
LOUD = True
EXAMPLES = {
    "def f(a):\n    if a:\n        return\n    return g(a)\n": {
        "def f(a):\n    return g(a)\n",
        "def f(a):\n    if a:\n        return\n    g(a)\n",
    },
    "def f(a):\n    return a\n": set(),
}


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each guard clause dropped, and each returned call reduced to the call."""
    for node in code.nodes(ast.If):
        if _is_guard(node):
            rule = f"there is no early return where `{short(code.text(node.test))}` holds"
            yield Edit(*code.whole_lines(node, node), "", rule, deletes=True)
    for done in code.nodes(ast.Return):
        if isinstance(done.value, ast.Call):
            text = code.text(done.value)
            yield code.replace(done, text, f"`{short(text)}` is called and its result dropped")


def _is_guard(node: ast.If) -> bool:
    return not node.orelse and len(node.body) == 1 and isinstance(node.body[0], ast.Return)
