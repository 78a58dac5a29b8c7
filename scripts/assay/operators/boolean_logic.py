"""Boolean logic: `and` and `or` trade places, or one operand is lost."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, short

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f(a, b):\n    return (a) and b\n": {
        "def f(a, b):\n    return (a) or b\n",
        "def f(a, b):\n    return b\n",
        "def f(a, b):\n    return (a)\n",
    },
    "def f(a, b):\n    return a or (b\n        or a)\n": {
        "def f(a, b):\n    return a and (b\n        or a)\n",
        "def f(a, b):\n    return (b\n        or a)\n",
        "def f(a, b):\n    return a\n",
        "def f(a, b):\n    return a or (b\n        and a)\n",
        "def f(a, b):\n    return a or (a)\n",
        "def f(a, b):\n    return a or (b)\n",
    },
}


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each operator swapped, and each operand dropped."""
    for node in code.nodes(ast.BoolOp):
        yield from _swapped(code, node)
        yield from _lost(code, node)


def _swapped(code: Code, node: ast.BoolOp) -> Iterator[Edit]:
    word, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    quantity = "any one" if new == "or" else "all"
    names = ", ".join(f"`{short(code.text(value), 40)}`" for value in node.values)
    spans = _operators(code, node, word)
    if len(spans) == 1:
        yield Edit(*spans[0], new, f"{quantity} of these conditions must hold: {names}")


def _lost(code: Code, node: ast.BoolOp) -> Iterator[Edit]:
    word = "and" if isinstance(node.op, ast.And) else "or"
    spans = _operators(code, node, word)
    if len(spans) != len(node.values) - 1:
        return
    start, end = code.span(node)
    for index, value in enumerate(node.values):
        rule = f"the condition `{short(code.text(value))}` plays no part"
        if index == 0:
            cut = (start, _skip_blank(code, spans[0][1]))
        else:
            last = spans[index][0] if index < len(spans) else end
            cut = (_before_blank(code, spans[index - 1][0]), _before_blank(code, last))
        yield Edit(*cut, "", rule)


def _operators(code: Code, node: ast.BoolOp, word: str) -> list[tuple[int, int]]:
    pairs = zip(node.values, node.values[1:], strict=False)
    spans = [code.between(left, right, word) for left, right in pairs]
    return [span for span in spans if span]


def _skip_blank(code: Code, offset: int) -> int:
    rest = code.data[offset:]
    return offset + len(rest) - len(rest.lstrip())


def _before_blank(code: Code, offset: int) -> int:
    return len(code.data[:offset].rstrip())
