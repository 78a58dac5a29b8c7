"""Values read from syntax trees, never evaluated: literals, and objects of the target by name."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from assay.core.codec import BUILTIN_TYPES, encode
from assay.core.files import canonical_json

Named = Callable[[ast.expr], str]


@dataclass(frozen=True)
class Built:
    """An object of the target, as the text of its encoding (`["new", …]` or `["name", …]`)."""

    encoding: str


def literal(node: ast.expr, named: Named = lambda _: "") -> Any:
    """Return the value of a literal; the names of builtin types (`int`) count as such.

    named: returns the target's full name ("module:name") that an expression stands for, or "":
           such a name, and a call of it with literals, are read as well
    Raises ValueError, TypeError or RecursionError for anything else.
    """
    if isinstance(node, ast.Name) and node.id in BUILTIN_TYPES:
        return BUILTIN_TYPES[node.id]
    if built := _built(node, named):
        return built
    if isinstance(node, ast.Dict) and None not in node.keys:
        pairs = zip(node.keys, node.values, strict=True)
        return {literal(key, named): literal(value, named) for key, value in pairs if key}
    kind = {ast.List: list, ast.Tuple: tuple, ast.Set: set}.get(type(node))
    if kind is not None:
        return kind(literal(item, named) for item in getattr(node, "elts", ()))
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "frozenset":
        return frozenset(*(literal(item, named) for item in node.args))
    return ast.literal_eval(node)


def _built(node: ast.expr, named: Named) -> Built | None:
    if isinstance(node, ast.Name | ast.Attribute) and (name := named(node)):
        return Built(canonical_json(["name", name]))
    if isinstance(node, ast.Call) and (name := named(node.func)):
        return Built(canonical_json(["new", [name, *arguments(node, named)]]))
    return None


def arguments(node: ast.Call, named: Named = lambda _: "") -> list[Any]:
    """Return the encodings [args, kwargs] of a call; raise as `literal` does."""
    if any(item.arg is None for item in node.keywords):
        raise ValueError("it unpacks a mapping")
    args = [literal(item, named) for item in node.args]
    kwargs = {str(item.arg): literal(item.value, named) for item in node.keywords}
    return [encode(args, _encoding), encode(kwargs, _encoding)]


def _encoding(value: Any) -> Any:
    return json.loads(value.encoding) if isinstance(value, Built) else None
