"""What the text of a module says about its names: griffe's view, and what griffe leaves out.

Nothing is imported. What can't be known from the text makes a module or class *open*: nothing is
reported of an open one.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import griffe

STORED = "#stored"  # beside a top-level package: attributes that its code sets on any object
Function = ast.FunctionDef | ast.AsyncFunctionDef
# What leaves a namespace as it is, of all that can be done with `globals()`.
READS = frozenset({"get", "copy", "items", "keys", "values"})
CLASS_MAGIC = frozenset({"setattr", "vars", "exec", "locals"})
HOOKS = frozenset({"__getattr__", "__getattribute__"})


@dataclass
class Scope:
    """A module or class as its text shows it.

    names: name -> (kind, what a call may pass by keyword)
    used:  members of their own first parameter that a class's methods ask for
    """

    names: dict[str, tuple[str, list[str] | None]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    open: bool = False


@dataclass
class Scanned:
    """One module: its own scope and its classes' by qualified name.

    stored:  attributes that its code sets on anything
    imports: top-level packages that its code imports
    """

    module: Scope
    classes: dict[str, Scope]
    stored: set[str]
    imports: set[str]


def scan(name: str, text: str) -> Scanned | None:
    """Return what a module's text says, or None if it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
            seen = griffe.visit(name, Path(f"{name}.py"), text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found = Scanned(Scope(), {}, set(_stored(tree)), set(_imports(tree)))
    _members(seen, "", found.module, found.classes)
    found.module.open = _sets_on_a_module(tree)
    for node in ast.walk(tree):
        if isinstance(node, Function):
            found.module.open |= _grows(node) or (node in tree.body and node.name in HOOKS)
        if isinstance(node, ast.Global):
            found.module.names |= dict.fromkeys(node.names, ("attribute", None))
    _classes(tree, "", found.classes)
    return found


def _members(holder: griffe.Object, prefix: str, scope: Scope, classes: dict[str, Scope]) -> None:
    for name, member in holder.members.items():
        if member.is_alias:
            scope.names[name] = ("attribute", None)
        elif isinstance(member, griffe.Function):
            scope.names[name] = ("function", _keywords(member))
        elif isinstance(member, griffe.Class):
            scope.names[name] = ("class", None)
            inner = classes.setdefault(f"{prefix}{name}", Scope())
            _members(member, f"{prefix}{name}.", inner, classes)
        else:
            scope.names[name] = ("attribute", None)


def _keywords(function: griffe.Function) -> list[str] | None:
    if function.decorators:
        return None
    kinds = griffe.ParameterKind
    named = {kinds.positional_or_keyword, kinds.keyword_only}
    given = [one.name for one in function.parameters if one.kind in named]
    return given + ["**" for one in function.parameters if one.kind is kinds.var_keyword]


def _classes(holder: ast.AST, prefix: str, classes: dict[str, Scope]) -> None:
    """Add to each class what its methods set on their first parameter, and whether it is open."""
    for node in ast.iter_child_nodes(holder):
        if isinstance(node, ast.ClassDef):
            scope = classes.setdefault(f"{prefix}{node.name}", Scope())
            for method in _methods(node):
                scope.open |= getattr(method, "name", "") in HOOKS
                own = _first(method)
                for attribute in _below(method, ast.Attribute):
                    if isinstance(attribute, ast.Attribute) and _is_own(attribute, own):
                        if isinstance(attribute.ctx, ast.Load):
                            if own == "self":
                                scope.used.add(attribute.attr)
                        else:
                            scope.names.setdefault(attribute.attr, ("attribute", None))
                        scope.open |= attribute.attr == "__dict__"
                scope.open |= any(_is_magic(each, CLASS_MAGIC) for each in ast.walk(method))
            _classes(node, f"{prefix}{node.name}.", classes)
        elif not isinstance(node, Function | ast.Lambda):
            _classes(node, prefix, classes)


def _grows(function: ast.AST) -> bool:
    """Tell whether a function may add names to its module; what runs at import has been seen."""
    for node in ast.walk(function):
        for child in ast.iter_child_nodes(node):
            if not _is_magic(child, frozenset({"globals"})):
                continue
            read = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)
            read |= isinstance(node, ast.Attribute) and node.attr in READS
            if not read and not isinstance(node, ast.Compare):
                return True
    return False


def _sets_on_a_module(tree: ast.AST) -> bool:
    """Tell whether a function sets attributes of any name on something imported."""
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }  # fmt: skip
    calls = (node for node in ast.walk(tree) if _is_magic(node, frozenset({"setattr"})))
    return any(
        isinstance(call.args[0], ast.Name) and call.args[0].id in imported
        and not isinstance(call.args[1], ast.Constant)
        for call in calls if isinstance(call, ast.Call) and len(call.args) > 1
    )  # fmt: skip


def _is_own(node: ast.Attribute, own: str) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == own


def _below(node: ast.AST, kind: type | tuple[type, ...] | object) -> Iterator[ast.AST]:
    return (each for each in ast.walk(node) if isinstance(each, kind))  # type: ignore[arg-type]


def _methods(holder: ast.AST) -> Iterator[ast.AST]:
    """Yield the functions that stand in a class itself, in a branch of it or not."""
    for node in ast.iter_child_nodes(holder):
        if isinstance(node, Function):
            yield node
        elif not isinstance(node, ast.ClassDef | ast.Lambda):
            yield from _methods(node)


def _first(method: ast.AST) -> str:
    given = method.args  # type: ignore[attr-defined]
    first = [*given.posonlyargs, *given.args][:1]
    return first[0].arg if first else ""


def _is_magic(node: ast.AST, names: frozenset[str]) -> bool:
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return called and node.func.id in names  # type: ignore[attr-defined]


def _stored(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif _is_magic(node, frozenset({"setattr"})) and len(node.args) > 1:  # type: ignore[attr-defined]
            given = node.args[1]  # type: ignore[attr-defined]
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                yield given.value


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]
