"""A wrong key or attribute: another one that the same unit uses as well."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, short

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f(d):\n    return d['a'] + d.get('b')\n": {
        "def f(d):\n    return d['b'] + d.get('b')\n",
        "def f(d):\n    return d['a'] + d.get('a')\n",
    },
    "def f(self):\n    return self.x + self.y.z\n": {
        "def f(self):\n    return self.y + self.y.z\n",
        "def f(self):\n    return self.x + self.x.z\n",
    },
}
_KEYED = frozenset({"get", "pop", "setdefault"})


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each key or attribute of an object replaced by its nearest sibling in the unit."""
    yield from _swapped(code, _keys(code))
    attributes = [n for n in code.nodes(ast.Attribute) if not _is_called(code, n)]
    for node in attributes:
        owner = ast.dump(node.value)
        names = sorted({n.attr for n in attributes if ast.dump(n.value) == owner} - {node.attr})
        if names and isinstance(node.ctx, ast.Load):
            new = _nearest(node.attr, names)
            end = code.span(node)[1]
            start = end - len(node.attr.encode("utf-8"))
            rule = f"`{short(code.text(node.value))}.{new}` is used in that place"
            yield Edit(start, end, new, rule)


def _keys(code: Code) -> list[ast.Constant]:
    found = [n.slice for n in code.nodes(ast.Subscript)]
    found += [
        call.args[0] for call in code.nodes(ast.Call)
        if isinstance(call.func, ast.Attribute) and call.func.attr in _KEYED and call.args
    ]  # fmt: skip
    found += [
        test.left for test in code.nodes(ast.Compare)
        if isinstance(test.ops[0], ast.In | ast.NotIn)
    ]  # fmt: skip
    return [n for n in found if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def _swapped(code: Code, uses: list[ast.Constant]) -> Iterator[Edit]:
    texts = {str(node.value): code.text(node) for node in uses}
    for node in uses:
        others = sorted(set(texts) - {str(node.value)})
        if others:
            new = texts[_nearest(str(node.value), others)]
            yield code.replace(node, new, f"the key used in that place is {short(new)}")


def _nearest(name: str, others: list[str]) -> str:
    """Return the name that looks most like this one: the likeliest slip."""
    return max(others, key=lambda other: (_shared(name, other), -len(other), other))


def _shared(left: str, right: str) -> int:
    return len(set(left.split("_")) & set(right.split("_"))) * 10 + len(set(left) & set(right))


def _is_called(code: Code, node: ast.Attribute) -> bool:
    parent = code.parent(node)
    return isinstance(parent, ast.Call) and parent.func is node
