"""`None`, missing and empty mixed up: a missing key, a key that holds None, an empty value."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, is_none, short

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f(a):\n    return a is None\n": {"def f(a):\n    return not a\n"},
    "def f(a):\n    if a.b is not None:\n        return 1\n": {
        "def f(a):\n    if a.b:\n        return 1\n"
    },
    "def f(d, k):\n    return d.get(k) is None\n": {
        "def f(d, k):\n    return k not in d\n",
        "def f(d, k):\n    return not d.get(k)\n",
    },
    "def f(d, k):\n    return d.get(k, 3)\n": {"def f(d, k):\n    return d.get(k) or 3\n"},
    "def f(d):\n    if 'k' in d:\n        return 1\n": {
        "def f(d):\n    if d.get('k') is not None:\n        return 1\n",
        "def f(d):\n    if d.get('k'):\n        return 1\n",
    },
    "def f(d):\n    if not d:\n        return 1\n": {
        "def f(d):\n    if d is None:\n        return 1\n"
    },
}


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each test for None, missing or empty turned into one of the others."""
    for node in code.nodes(ast.Compare):
        if len(node.ops) == 1:
            yield from _none_tests(code, node)
            yield from _key_tests(code, node)
    yield from _empty_tests(code)
    yield from _defaults(code)


def _none_tests(code: Code, node: ast.Compare) -> Iterator[Edit]:
    if not is_none(node.comparators[0]) or not isinstance(node.ops[0], ast.Is | ast.IsNot):
        return
    positive = isinstance(node.ops[0], ast.Is)
    text = code.text(node.left)
    if isinstance(node.left, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
        rule = f"an empty or zero `{short(text)}` counts as None"
        yield code.replace(node, f"not {text}" if positive else text, rule)
    got = _get(node.left)
    if got and len(got.args) == 1 and isinstance(got.func, ast.Attribute):
        key, mapping = code.text(got.args[0]), code.text(got.func.value)
        word = "not in" if positive else "in"
        rule = f"what counts is whether `{short(key)}` is in `{short(mapping)}`, even with None"
        yield code.replace(node, f"{key} {word} {mapping}", rule)


def _key_tests(code: Code, node: ast.Compare) -> Iterator[Edit]:
    constant = isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
    plain = isinstance(node.comparators[0], ast.Name | ast.Attribute)
    if not (constant and plain and isinstance(node.ops[0], ast.In | ast.NotIn)):
        return
    got = f"{code.text(node.comparators[0])}.get({code.text(node.left)})"
    positive = isinstance(node.ops[0], ast.In)
    key = short(code.text(node.left))
    yield code.replace(
        node, f"{got} is not None" if positive else f"{got} is None",
        f"a key {key} that holds None counts as missing",
    )  # fmt: skip
    if positive:
        yield code.replace(node, got, f"a key {key} that holds an empty value counts as missing")


def _empty_tests(code: Code) -> Iterator[Edit]:
    for node in code.nodes(ast.UnaryOp):
        plain = isinstance(node.operand, ast.Name | ast.Attribute)
        if isinstance(node.op, ast.Not) and plain and isinstance(code.parent(node), ast.If):
            text = code.text(node.operand)
            yield code.replace(node, f"{text} is None", f"an empty `{short(text)}` is not None")


def _defaults(code: Code) -> Iterator[Edit]:
    for node in code.nodes(ast.Call):
        got = _get(node)
        if got and len(got.args) == 2 and not is_none(got.args[1]) and not _inside(code, node):
            head, default = code.text(got.func), code.text(got.args[1])
            rule = f"the default `{short(default)}` also stands in for an empty or zero value"
            yield code.replace(node, f"{head}({code.text(got.args[0])}) or {default}", rule)


def _inside(code: Code, node: ast.AST) -> bool:
    """Say whether `x or y` would bind differently in this place."""
    binding = ast.Attribute | ast.Subscript | ast.BinOp | ast.UnaryOp | ast.Compare | ast.Call
    parent = code.parent(node)
    called = isinstance(parent, ast.Call) and parent.func is not node
    indexed = isinstance(parent, ast.Subscript) and parent.slice is node
    return isinstance(parent, binding) and not called and not indexed


def _get(node: ast.AST) -> ast.Call | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node if node.func.attr == "get" and not node.keywords else None
    return None
