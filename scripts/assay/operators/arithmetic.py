"""Arithmetic: an operator swapped, or an offset of one lost."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, short

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f(a, b):\n    return a + b\n": {"def f(a, b):\n    return a - b\n"},
    "def f(a):\n    return len(a) - 1\n": {
        "def f(a):\n    return len(a) + 1\n",
        "def f(a):\n    return len(a)\n",
    },
    "def f(a):\n    a += 2\n    return a\n": {"def f(a):\n    a -= 2\n    return a\n"},
    "def f(a):\n    return 'x' + a\n": set(),
}
_SWAPS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "//"), ast.FloorDiv: ("//", "*"),
    ast.Div: ("/", "*"), ast.Mod: ("%", "//"),
}  # fmt: skip
_SAID = {"+": "is added to", "-": "is subtracted from", "*": "multiplies", "//": "divides (whole)"}


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each operator swapped where no operand is text or a literal container."""
    nodes: list[ast.BinOp | ast.AugAssign] = [*code.nodes(ast.BinOp), *code.nodes(ast.AugAssign)]
    for node in nodes:
        left, right = _operands(node)
        if type(node.op) not in _SWAPS or _is_sequence(left) or _is_sequence(right):
            continue
        old, new = _SWAPS[type(node.op)]
        span = code.between(left, right, old)
        if span:
            said = f"`{short(code.text(right))}` {_SAID[new]} `{short(code.text(left))}`"
            yield Edit(*span, new, said)
        if isinstance(node, ast.BinOp) and old in "+-" and _is_one(right):
            yield code.replace(node, code.text(left), f"`{short(code.text(left))}` counts as it is")


def _operands(node: ast.BinOp | ast.AugAssign) -> tuple[ast.expr, ast.expr]:
    if isinstance(node, ast.BinOp):
        return node.left, node.right
    return node.target, node.value


def _is_one(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1 and node.value is not True


def _is_sequence(node: ast.AST) -> bool:
    text = isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    literal = (ast.JoinedStr, ast.List, ast.Tuple, ast.ListComp, ast.Dict, ast.Set)
    inner = isinstance(node, ast.BinOp) and (_is_sequence(node.left) or _is_sequence(node.right))
    return text or isinstance(node, literal) or inner
