"""What the names of a piece of code stand for, where that is certain.

All scopes of the code count as one: a name that is bound in more than one way, or as anything but
an import, a class's call or a literal, stands for nothing that is known.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

Binding = tuple[str, ast.AST | None, str]  # how it is bound, by what, and to which dotted name
LITERALS = {
    ast.JoinedStr: "str", ast.List: "list", ast.ListComp: "list", ast.Dict: "dict",
    ast.DictComp: "dict", ast.Set: "set", ast.SetComp: "set", ast.Tuple: "tuple",
}  # fmt: skip


@dataclass
class Bindings:
    """The certain bindings, and what the code says that it tests or sets by itself.

    found:    name -> its one binding; None where it is uncertain
    stars:    there is an import of everything: any name may stand for anything
    set_here: attribute names that the code sets, deletes, or asks for by name
    optional: names that are imported in a `try`, which a test may ask for later
    """

    found: dict[str, Binding | None] = field(default_factory=dict)
    stars: bool = False
    set_here: set[str] = field(default_factory=set)
    optional: set[str] = field(default_factory=set)


def bindings(tree: ast.AST) -> Bindings:
    """Return the bindings of a piece of code."""
    made = Bindings()
    for node in ast.walk(tree):
        for name, binding in _bound(node):
            if name == "*":
                made.stars = True
            elif name in made.found and made.found[name] != binding:
                made.found[name] = None
            else:
                made.found[name] = binding
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            made.set_here.add(node.attr)
        elif isinstance(node, ast.Try):
            inside = (each for top in node.body for each in ast.walk(top))
            made.optional.update(name for each in inside for name, how in _bound(each)
                                 if how and how[0] in {"import", "from"})  # fmt: skip
        elif isinstance(node, ast.Call):
            # hasattr(x, "name"), getattr, setattr, monkeypatch.setattr, patch.object, …
            given = [each.value for each in node.args[1:2] if isinstance(each, ast.Constant)]
            made.set_here.update(each for each in given if isinstance(each, str))
    return made


def literal(node: ast.AST) -> str:
    """Return the built-in class of a literal, or ""."""
    if isinstance(node, ast.Constant):
        return (
            type(node.value).__name__ if isinstance(node.value, str | bytes | int | float) else ""
        )
    return LITERALS.get(type(node), "")


def _bound(node: ast.AST) -> Iterator[tuple[str, Binding | None]]:
    """Yield each name that a node binds, and how; None where that says nothing of its value."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from _imported(node)
    elif isinstance(node, ast.arg):
        yield node.arg, ("argument", None, "")
    elif isinstance(node, ast.Assign) and _is_plain(node):
        yield node.targets[0].id, ("value", node.value, "")  # type: ignore[attr-defined]
    elif not isinstance(node, ast.alias):
        # Definitions, handlers, patterns and `global` hold names as text, all else in targets.
        names = [getattr(node, field, None) for field in ("name", "rest")]
        names += getattr(node, "names", [])
        yield from ((name, None) for name in names if isinstance(name, str))
        for field in ("target", "targets", "optional_vars"):
            given = getattr(node, field, None) or []
            for target in given if isinstance(given, list) else [given]:
                yield from ((name, None) for name in _names(target))


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Binding]]:
    source = "." * node.level + (node.module or "") if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        if source:
            yield alias.asname or alias.name, ("from", None, f"{source} {alias.name}")
        else:
            dotted = alias.name if alias.asname else alias.name.partition(".")[0]
            yield alias.asname or dotted, ("import", None, dotted)


def _is_plain(node: ast.Assign) -> bool:
    """Tell whether one name is given one value whose class shows."""
    value = node.value
    shows = bool(literal(value)) or isinstance(value, ast.Call)
    return len(node.targets) == 1 and isinstance(node.targets[0], ast.Name) and shows


def _names(target: ast.AST) -> Iterator[str]:
    """Yield the names that a target binds; in `a.b = …` and `a[b] = …` there are none."""
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
