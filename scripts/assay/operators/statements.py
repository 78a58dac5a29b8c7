"""A lost statement: a call for its effect, or an assignment to an attribute or item, is gone."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, short

PARAMETERS = NO_PARAMETERS
LOUD = True
EXAMPLES = {
    "def f(a):\n    a.b = 1\n    g(a)\n    c = 2\n    return c\n": {
        "def f(a):\n    g(a)\n    c = 2\n    return c\n",
        "def f(a):\n    a.b = 1\n    c = 2\n    return c\n",
    },
    "def f(a):\n    g(a)\n": set(),
}


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each such statement dropped, unless it is the only one of its block."""
    for node in code.nodes(ast.Expr, ast.Assign, ast.AugAssign):
        effect = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        stored = isinstance(node, ast.Assign) and isinstance(
            node.targets[0], ast.Attribute | ast.Subscript
        )
        counted = isinstance(node, ast.AugAssign)
        if (effect or stored or counted) and not _alone(code, node):
            rule = f"`{short(code.text(node))}` is not done"
            yield Edit(*code.whole_lines(node, node), "", rule, deletes=True)


def _alone(code: Code, node: ast.stmt) -> bool:
    parent = code.parent(node)
    blocks = [getattr(parent, name, []) for name in ("body", "orelse", "finalbody")]
    mine = next((block for block in blocks if node in block), [])
    documented = parent is code.unit and len(mine) - len(code.statements())
    return len(mine) - int(documented or 0) < 2
