"""Constants: True and False trade places, a whole number is off by one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f(a, b=1):\n    '''1'''\n    return a > 2\n": {
        "def f(a, b=1):\n    '''1'''\n    return a > 3\n"
    },
    "def f(a):\n    a.on = True\n    return -1\n": {
        "def f(a):\n    a.on = False\n    return -1\n",
        "def f(a):\n    a.on = True\n    return -2\n",
    },
}


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each truth value inverted and each small number raised by one."""
    for node in code.nodes(ast.Constant):
        if isinstance(node.value, bool):
            new = str(not node.value)
            yield code.replace(node, new, f"the value there is {new}, not {node.value}")
        elif type(node.value) is int and code.text(node).isdigit():
            new = str(node.value + 1)
            yield code.replace(node, new, f"the number there is {new}, not {node.value}")
