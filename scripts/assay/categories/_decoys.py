"""Decoys: an unusual but right line, written in place of an equivalent plain one.

Each form is equal for operands that do nothing but give a value; that it is equal here is proven
by running it (`_adversarial`).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from assay.core.pycode import Code, Edit
from assay.core.seeds import shuffled

PLAIN = ast.Name | ast.Attribute | ast.Constant
MIRRORED: dict[type[ast.cmpop], str] = {ast.Lt: ">", ast.LtE: ">=", ast.Gt: "<", ast.GtE: "<="}
FREE = ast.If | ast.While | ast.Return | ast.Assign  # parents in which `or` needs no parentheses


def with_decoys(source: str, most: int, *seed: object) -> tuple[str, int]:
    """Return the source with at most so many conditions rewritten, and how many there are.

    The number of lines stays the same.
    """
    code = Code(source)
    chosen: list[Edit] = []
    for edit in shuffled(list(_edits(code)), *seed, "decoys", key=lambda edit: str(edit.start)):
        apart = all(edit.end <= other.start or other.end <= edit.start for other in chosen)
        if apart and len(chosen) < most:
            chosen.append(edit)
    for edit in sorted(chosen, key=lambda edit: -edit.start):
        source = Code(source).apply(edit)
    return source, len(chosen)


def _edits(code: Code) -> Iterator[Edit]:
    makers: dict[type[ast.expr], Callable[[Code, Any], str]] = {
        ast.UnaryOp: _spread_not, ast.BoolOp: _joined_not, ast.Call: _spread_call,
        ast.Compare: _other_comparison, ast.IfExp: _turned,
    }  # fmt: skip
    node: Any
    for node in code.nodes(*makers):
        if getattr(node, "lineno", 0) != getattr(node, "end_lineno", 1):
            continue
        new = makers[type(node)](code, node)
        if new:
            yield code.replace(node, new, "the same, written differently")


def _spread_not(code: Code, node: ast.UnaryOp) -> str:
    """`not (a or b)` is `not a and not b`."""
    inner = node.operand
    if not isinstance(node.op, ast.Not) or not isinstance(inner, ast.BoolOp):
        return ""
    if not all(isinstance(value, PLAIN | ast.Call) for value in inner.values):
        return ""
    word = " and " if isinstance(inner.op, ast.Or) else " or "
    return _grouped(code, node, word.join(f"not {code.text(value)}" for value in inner.values))


def _joined_not(code: Code, node: ast.BoolOp) -> str:
    """`not a and not b` is `not (a or b)`."""
    inner = [value.operand for value in node.values
             if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not)]  # fmt: skip
    if len(inner) < len(node.values) or not all(isinstance(v, PLAIN | ast.Call) for v in inner):
        return ""
    word = " or " if isinstance(node.op, ast.And) else " and "
    return f"not ({word.join(code.text(value) for value in inner)})"


def _spread_call(code: Code, node: ast.Call) -> str:
    """`isinstance(a, (B, C))` is two tests; `a.get(b)` is `a.get(b, None)`."""
    if node.keywords or any(isinstance(item, ast.Starred) for item in node.args):
        return ""
    if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and len(node.args) == 1:
        return f"{code.text(node.func)}({code.text(node.args[0])}, None)"
    if getattr(node.func, "id", "") != "isinstance" or len(node.args) != 2:
        return ""
    value, kinds = node.args
    if not isinstance(kinds, ast.Tuple) or len(kinds.elts) < 2 or not isinstance(value, PLAIN):
        return ""
    tests = [f"isinstance({code.text(value)}, {code.text(kind)})" for kind in kinds.elts]
    return _grouped(code, node, " or ".join(tests))


def _other_comparison(code: Code, node: ast.Compare) -> str:
    """`a < b` is `b > a`; `a in ("x", "y")` is two tests."""
    if len(node.ops) != 1 or not isinstance(node.left, PLAIN):
        return ""
    left, right, kind = code.text(node.left), node.comparators[0], type(node.ops[0])
    if kind in MIRRORED and isinstance(right, PLAIN):
        return f"{code.text(right)} {MIRRORED[kind]} {left}"
    items = right.elts if kind is ast.In and isinstance(right, ast.Tuple) else []
    plain = all(isinstance(item, ast.Constant) and item.value is not None for item in items)
    if len(items) < 2 or not plain:
        return ""
    return _grouped(code, node, " or ".join(f"{left} == {code.text(item)}" for item in items))


def _turned(code: Code, node: ast.IfExp) -> str:
    """`a if c else b` is `b if not c else a`."""
    parts = (node.body, node.test, node.orelse)
    if not all(isinstance(part, PLAIN | ast.Call) for part in parts):
        return ""
    body, test, other = (code.text(part) for part in parts)
    return f"{other} if not {test} else {body}"


def _grouped(code: Code, node: ast.AST, text: str) -> str:
    return text if isinstance(code.parent(node), FREE) else f"({text})"
