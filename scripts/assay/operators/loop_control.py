"""Loop control: `break` and `continue` trade places."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f(a):\n    for x in a:\n        if x:\n            break\n        g(x)\n": {
        "def f(a):\n    for x in a:\n        if x:\n            continue\n        g(x)\n"
    },
}


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each jump replaced by the other one."""
    for node in code.nodes(ast.Break, ast.Continue):
        if isinstance(node, ast.Break):
            yield code.replace(node, "continue", "the loop skips that item and goes on")
        else:
            yield code.replace(node, "break", "the loop ends at that item")
