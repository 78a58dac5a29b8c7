"""A missing copy: the caller's object is used, and changed, where its copy was."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, short

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f(a):\n    b = a.copy()\n    return b\n": {"def f(a):\n    b = a\n    return b\n"},
    "def f(a):\n    b = copy(a)\n    return list(b)\n": {
        "def f(a):\n    b = a\n    return list(b)\n",
        "def f(a):\n    b = copy(a)\n    return b\n",
    },
    "def f(a):\n    return a[:]\n": {"def f(a):\n    return a\n"},
    "def f(a):\n    return copy.deepcopy(a)\n": {
        "def f(a):\n    return a\n",
        "def f(a):\n    return copy.copy(a)\n",
    },
}
_MAKERS = frozenset({"copy", "deepcopy", "list", "dict", "set", "tuple"})


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each copy replaced by the original, and each deep copy by a shallow one."""
    for node in code.nodes(ast.Call):
        source = _copied(node)
        if source is not None:
            text = code.text(source)
            yield code.replace(node, text, f"`{short(text)}` itself is used, not a copy of it")
        if isinstance(node.func, ast.Attribute) and node.func.attr == "deepcopy":
            end = code.span(node.func)[1]
            rule = f"the copy of `{short(code.text(node.args[0]))}` is shallow"
            yield Edit(end - len("deepcopy"), end, "copy", rule)
    for piece in code.nodes(ast.Subscript):
        if isinstance(piece.slice, ast.Slice) and not any(
            (piece.slice.lower, piece.slice.upper, piece.slice.step)
        ):
            text = code.text(piece.value)
            yield code.replace(piece, text, f"`{short(text)}` itself is used, not a copy of it")


def _copied(node: ast.Call) -> ast.expr | None:
    """Return the expression that a call copies, or None."""
    if node.keywords or any(isinstance(item, ast.Starred) for item in node.args):
        return None
    func = node.func
    if isinstance(func, ast.Attribute) and func.attr == "copy" and not node.args:
        return func.value
    name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
    module = not isinstance(func, ast.Attribute) or getattr(func.value, "id", "") == "copy"
    plain = len(node.args) == 1 and isinstance(
        node.args[0], ast.Name | ast.Attribute | ast.Subscript
    )
    return node.args[0] if name in _MAKERS and module and plain else None
