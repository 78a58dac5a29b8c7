"""What a bug operator is, and what operators share.

An operator module has
    PARAMETERS  closed JSON schema of its parameters
    EXAMPLES    source -> the set of new sources that must come out, run by the contract test
    mutate(code) -> Iterator[Edit]     every edit of its family, each on its own
    LOUD        (optional) most of its edits wreck the unit: the quieter families go first
An edit replaces one span and leaves all other bytes as they are. Docstrings, annotations,
decorators and parameter names are never touched. `Code` and `Edit` are those of `core.pycode`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from assay.core.pycode import Code, Edit

Block = ast.If | ast.For | ast.AsyncFor | ast.While | ast.With | ast.Try

NO_PARAMETERS: dict[str, Any] = {
    "type": "object", "properties": {}, "additionalProperties": False,
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip

__all__ = [
    "COMPARISONS", "NO_PARAMETERS", "Code", "Edit", "is_none", "short", "swap_comparison",
]  # fmt: skip


def swap_comparison(code: Code, swaps: dict[type[ast.cmpop], type[ast.cmpop]],
                    said: dict[type[ast.cmpop], str]) -> Iterator[Edit]:  # fmt: skip
    """Yield each comparison operator of `swaps` replaced by its counterpart."""
    for node in code.nodes(ast.Compare):
        sides = [node.left, *node.comparators]
        for index, operator in enumerate(node.ops):
            new = swaps.get(type(operator))
            word = COMPARISONS[type(operator)]
            span = code.between(sides[index], sides[index + 1], word)
            if new is None or span is None:
                continue
            names = [f"`{short(code.text(side))}`" for side in sides[index : index + 2]]
            yield Edit(*span, COMPARISONS[new], said[new].format(*names))


def is_none(node: ast.AST) -> bool:
    """Say whether the node is the literal None."""
    return isinstance(node, ast.Constant) and node.value is None


def short(text: str, limit: int = 60) -> str:
    """Return a text on one line, cut to a limit, for rules in words."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
