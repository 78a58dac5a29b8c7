"""The same facts about units by Python's own `ast`: what the crosscheck compares with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from assay.core.splice import lines_of
from assay.mining.syntax import python_check

Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
NODES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
Facts = dict[str, Any]
_COMPOUND = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.With, ast.AsyncWith,
    ast.Match, *NODES,
)  # fmt: skip
_DECIDING = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.match_case
)  # fmt: skip


def reference_units(text: str, base: int = 0) -> list[Facts]:
    """Return the facts of each function and class, in the order of their starts.

    base: bytes that stand before the text in its file. Raises SyntaxError.
    """
    lengths = (len(line.encode("utf-8")) for line in lines_of(text))
    starts = [base, *accumulate(lengths, initial=base)]
    found = [_facts(node, around, starts) for node, around in _walk(python_check(text), [])]
    return sorted(found, key=lambda facts: int(facts["start_byte"]))


def called_names(nodes: list[ast.stmt]) -> list[str]:
    """Return the sorted names that the statements call, written as the units table has them."""
    calls = (node for root in nodes for node in ast.walk(root) if isinstance(node, ast.Call))
    return sorted({name for name in (_name(call.func) for call in calls) if name})


def _walk(node: ast.AST, around: list[Node]) -> Iterator[tuple[Node, list[Node]]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, NODES):
            yield child, around
            yield from _walk(child, [*around, child])
        elif not isinstance(child, ast.expr):
            yield from _walk(child, around)


def _facts(node: Node, around: list[Node], starts: list[int]) -> Facts:
    outer = around[-1] if around else None
    first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
    is_class = isinstance(node, ast.ClassDef)
    inner = [part for root in node.body for part in ast.walk(root)]
    return {
        "kind": "class" if is_class else "method" if isinstance(outer, ast.ClassDef)
        else "function",
        "qualname": _qualname([*around, node]),
        "parent": _qualname(around),
        "is_async": isinstance(node, ast.AsyncFunctionDef),
        "decorators": len(node.decorator_list),
        "parameters": [] if isinstance(node, ast.ClassDef) else _parameters(node.args),
        "docstring": _docstring(node),
        "start_line": first, "def_line": node.lineno, "end_line": node.end_lineno,
        "start_byte": starts[node.lineno] + node.col_offset,
        "end_byte": starts[node.end_lineno or 0] + (node.end_col_offset or 0),
        "statements": sum(isinstance(part, ast.stmt) for part in inner),
        "complexity": 1 + sum(_decisions(part) for part in inner),
        "nesting": max(_depth(child) for child in node.body),
        "calls": called_names(node.body),
        "node": node,
    }  # fmt: skip


def _qualname(path: list[Node]) -> str:
    names: list[str] = []
    for index, node in enumerate(path):
        if index and not isinstance(path[index - 1], ast.ClassDef):
            names.append("<locals>")
        names.append(node.name)
    return ".".join(names)


def _parameters(given: ast.arguments) -> list[str]:
    starred = [f"*{given.vararg.arg}"] if given.vararg else []
    doubled = [f"**{given.kwarg.arg}"] if given.kwarg else []
    plain = [item.arg for item in (*given.posonlyargs, *given.args)]
    return plain + starred + [item.arg for item in given.kwonlyargs] + doubled


def _docstring(node: Node) -> str | None:
    text = ast.get_docstring(node, clean=False)
    return None if text is None else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _decisions(node: ast.AST) -> int:
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    guard = isinstance(node, ast.match_case) and node.guard is not None
    return isinstance(node, _DECIDING) + guard


def _depth(node: ast.AST) -> int:
    own = isinstance(node, _COMPOUND)
    return own + max((_depth(child) - _is_elif(node, child) for child in _blocks(node)), default=0)


def _blocks(node: ast.AST) -> list[ast.AST]:
    kinds = (ast.stmt, ast.ExceptHandler, ast.match_case)
    return [child for child in ast.iter_child_nodes(node) if isinstance(child, kinds)]


def _is_elif(node: ast.AST, child: ast.AST) -> bool:
    # An `elif` is an `if` alone in the else branch, in the column of its own `if`.
    return (
        isinstance(node, ast.If)
        and isinstance(child, ast.If)
        and node.orelse == [child]
        and node.col_offset == child.col_offset
    )


def _name(function: ast.expr) -> str:
    names: list[str] = []
    node = function
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        return ".".join([node.id, *names])
    if not names:
        return ""
    is_super = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    plain = is_super and isinstance(node, ast.Call) and not node.args and not node.keywords
    if plain and len(names) == 1 and ast.unparse(node) == "super()":
        return f"super().{names[0]}"
    return f".{names[-1]}"
