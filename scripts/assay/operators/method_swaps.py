"""Method swaps: a method or builtin replaced by its sibling, such as `startswith`/`endswith`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, short

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f(a):\n    return a.startswith('x')\n": {"def f(a):\n    return a.endswith('x')\n"},
    "def f(a):\n    return any(x for x in a)\n": {"def f(a):\n    return all(x for x in a)\n"},
}
_METHODS = {
    "startswith": "endswith", "endswith": "startswith", "strip": "rstrip", "lstrip": "rstrip",
    "rstrip": "lstrip", "lower": "upper", "upper": "lower", "split": "rsplit",
    "rsplit": "split", "partition": "rpartition", "rpartition": "partition", "find": "rfind",
    "index": "rindex", "append": "extend", "extend": "append", "keys": "values",
    "values": "keys", "union": "intersection", "intersection": "union",
    "issubset": "issuperset", "issuperset": "issubset", "match": "search", "pop": "get",
}  # fmt: skip
_BUILTINS = {"any": "all", "all": "any", "min": "max", "max": "min"}


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each such call with its sibling's name."""
    for node in code.nodes(ast.Call):
        func = node.func
        if isinstance(func, ast.Name) and func.id in _BUILTINS:
            new = _BUILTINS[func.id]
            yield code.replace(func, new, f"`{new}` decides there, not `{func.id}`")
        elif isinstance(func, ast.Attribute) and _fits(code, node, func.attr):
            new = _METHODS[func.attr]
            end = code.span(func)[1]
            rule = f"`{new}` of `{short(code.text(func.value))}` is used, not `{func.attr}`"
            yield Edit(end - len(func.attr), end, new, rule)


def _fits(code: Code, node: ast.Call, name: str) -> bool:
    if name == "pop":  # `get` is a slip only where a key is given and the value is used
        return bool(node.args) and not isinstance(code.parent(node), ast.Expr)
    return name in _METHODS
