"""Finds the unit in Python text, with the helpers and imports that it needs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

from assay.scoring.fences import Parts
from assay.scoring.syntax import parse_mended, salvaged

Function = ast.FunctionDef | ast.AsyncFunctionDef
MAX_BLOCKS = 40
_FURTHER = re.compile(rb"[ \t\f]*;")


@dataclass(frozen=True)
class Found:
    """The unit's code, what it needs beside it, and the rule that took it."""

    code: str
    helpers: tuple[str, ...]
    imports: tuple[str, ...]
    rule: str


def find(parts: Parts, name: str) -> Found | None:
    """Return the last complete definition of `name`: fenced blocks first, then the whole text."""
    for block in reversed(parts.blocks[-MAX_BLOCKS:]):
        kind = "fenced block" if block.closed else "unclosed fence"
        found = read(block.text, name, kind)
        if found:
            return found
    return read(parts.whole, name, "whole answer")


def read(text: str, name: str, kind: str) -> Found | None:
    """Return the unit in a text that is Python, or that mixes Python and prose."""
    if name not in text:
        return None
    whole = parse_mended(text)
    if whole:
        return select(whole[0], whole[1], name, _joined(kind, whole[2]))
    part = parse_mended(salvaged(text))
    return select(part[0], part[1], name, _joined(kind, "salvaged", part[2])) if part else None


def body_alone(parts: Parts, name: str) -> Found | None:
    """Return the last block as the unit's body if it holds statements that only a body can hold."""
    for block in reversed(parts.blocks[-MAX_BLOCKS:]):
        parsed = parse_mended(block.text)
        if parsed and any(_is_exit(node) for top in parsed[1].body for node in _flat(top)):
            margin = "\n".join("    " + line if line else line for line in parsed[0].split("\n"))
            head = f"def {name}(*args, **kwargs):\n"
            return Found((head + margin).rstrip() + "\n", (), (), "body alone")
    return None


def select(text: str, tree: ast.Module, name: str, rule: str) -> Found | None:
    """Return the last definition of `name` at the shallowest level, and what it uses."""
    level: list[ast.AST] = [tree]
    while level:
        named = [n for n in level if isinstance(n, Function) and n.name == name]
        if named:
            return _found(text, tree, named[-1], rule)
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return None


def _found(text: str, tree: ast.Module, unit: Function, rule: str) -> Found:
    lines = text.split("\n")
    coded = [line.encode() for line in lines]  # columns count bytes
    inside = unit not in tree.body
    needed = _needed(tree, unit)
    helpers = [node for node in needed if not isinstance(node, ast.Import | ast.ImportFrom)]
    imports = [node for node in needed if isinstance(node, ast.Import | ast.ImportFrom)]
    return Found(
        source(lines, unit),
        tuple(alone(coded, node) for node in helpers),
        tuple(alone(coded, node) for node in imports),
        _joined(rule, "inside a class" if inside else ""),
    )


def source(lines: list[str], node: ast.stmt) -> str:
    """Return a statement's whole lines, decorators included, dedented to column 0."""
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    margin = lines[first - 1][: node.col_offset]
    taken = lines[first - 1 : node.end_lineno]
    return "\n".join(line.removeprefix(margin) for line in taken)


def alone(lines: list[bytes], node: ast.stmt) -> str:
    """Return a top-level statement's whole lines, without others that stand on them (`a; b`)."""
    first: int = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
    last, end = node.end_lineno or first, node.end_col_offset or 0
    start = node.col_offset if first == node.lineno else 0
    if not _FURTHER.match(lines[last - 1], end):
        end = len(lines[last - 1])  # perhaps with a comment
    if first == last:
        return lines[first - 1][start:end].decode()
    taken = [lines[first - 1][start:], *lines[first : last - 1], lines[last - 1][:end]]
    return str(b"\n".join(taken), "utf-8")


def defines(text: str, names: Iterable[str]) -> bool:
    """Say whether a text binds one of the names at its top level."""
    tree = ast.parse(text)
    return any(_binds(node) & set(names) for node in tree.body)


def _needed(tree: ast.Module, unit: Function) -> list[ast.stmt]:
    """Return the top-level statements that the unit uses by name, directly or not, in order.

    Each statement and each name is gone through once.
    """
    binding: dict[str, list[int]] = {}
    for index, node in enumerate(tree.body):
        names = _binds(node)
        if node is not unit and unit.name not in names and not _holds(node, unit):
            for name in names:
                binding.setdefault(name, []).append(index)
    taken, seen = set[int](), {"*"} | _names(unit)
    waiting = sorted(seen)
    while waiting:
        for index in binding.pop(waiting.pop(), ()):
            if index not in taken:
                taken.add(index)
                fresh = _names(tree.body[index]) - seen
                seen |= fresh
                waiting.extend(fresh)
    return [tree.body[index] for index in sorted(taken)]


def _binds(node: ast.stmt) -> set[str]:
    if isinstance(node, Function | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.ImportFrom) and node.module == "__future__":
        return set()  # illegal anywhere but at a file's head
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign | ast.AnnAssign) and getattr(node, "value", None):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return {target.id for target in targets if isinstance(target, ast.Name)}
    return set()


def _names(node: ast.AST) -> set[str]:
    return {found.id for found in ast.walk(node) if isinstance(found, ast.Name)}


def _holds(node: ast.stmt, unit: Function) -> bool:
    return isinstance(node, ast.ClassDef) and any(child is unit for child in ast.walk(node))


def _flat(node: ast.AST) -> Iterable[ast.AST]:
    """Walk a statement without entering nested functions and classes."""
    if isinstance(node, Function | ast.ClassDef | ast.Lambda):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _flat(child)


def _is_exit(node: ast.AST) -> bool:
    return isinstance(node, ast.Return | ast.Raise | ast.Yield | ast.YieldFrom | ast.Pass)


def _joined(*rules: str) -> str:
    return ", ".join(rule for rule in rules if rule)
