"""What surrounds a unit: its collaborators, its callers, the definitions of constants it uses.

Everything is resolved statically from the units table and the files of the unchanged tree; what
can't be resolved for certain is left out.
"""

from __future__ import annotations

import ast
import functools
import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from assay.categories._names import Names

Row = Mapping[str, Any]
Units = Mapping[str, Row]
Read = Callable[[str], str]


def collaborators(unit: Row, units: Units) -> list[Row]:
    """Return the units that the unit's body calls, in the order of their ids, without itself."""
    imported = imported_names(unit)
    found = {}
    for call in unit["calls"]:
        row = _resolved(call, unit, units, imported)
        if row is not None and row["unit_id"] != unit["unit_id"]:
            found[row["unit_id"]] = row
    return [found[unit_id] for unit_id in sorted(found)]


def callers(unit: Row, units: Units) -> list[Row]:
    """Return the functions and methods that call the unit by its name, in the order of ids."""
    found = []
    for _, row in sorted(units.items()):
        near = row["kind"] in {"function", "method"} and row["unit_id"] != unit["unit_id"]
        if near and any(_name(call) == _name(unit["qualname"]) for call in row["calls"]):
            found += [row] if unit in collaborators(row, units) else []
    return found


def card(row: Row, *, docstring: bool = False) -> str:
    """Return a unit's decorators and signature with `...` for its body, dedented.

    docstring: also show the docstring's first line, where there is one
    """
    head = textwrap.dedent("\n".join([*row["decorators"], textwrap.dedent(row["signature"])]))
    lines = (row["docstring"] or "").strip().split("\n") if docstring else [""]
    note = f'\n    """{lines[0].strip()}"""' if lines[0].strip() else ""
    return f"{head}{note}\n    ..." if note else f"{head} ..."


def imported_names(unit: Row) -> dict[str, tuple[str, str]]:
    """Return local name -> (module, name in it or "") of the imports in the file's head."""
    found = {}
    for text in unit["file_imports"]:
        for node in ast.parse(textwrap.dedent(text)).body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    local = alias.asname or alias.name.partition(".")[0]
                    found[local] = (alias.name if alias.asname else local, "")
            elif isinstance(node, ast.ImportFrom):
                module = _absolute(node, unit["module"], unit["path"])
                for alias in node.names:
                    found[alias.asname or alias.name] = (module, alias.name)
    return found


def definitions(used: Names, unit: Row, units: Units, read: Read) -> list[str]:
    """Return the assignments that define the constants which a body uses, as `name = source`.

    Covers constants of the unit's module, names imported from the target, attributes of imported
    modules (`errors.MIN_VALUE`) and of the unit's own class (`self.messages`).
    """
    imported, files = imported_names(unit), _files(units)
    found = {}
    for name in sorted({*used.globals, *used.attributes}):
        head, _, rest = name.partition(".")
        member = rest.partition(".")[0]
        module, inner = imported.get(head, (unit["module"], head))
        whole = f"{module}.{inner}"
        if head in {"self", "cls"}:
            label, source = f"{head}.{member}", _class_value(unit, read, member)
        elif member and whole in files:
            label, source = f"{head}.{member}", _value(read(files[whole]), member)
        else:
            label, source = head, _value(read(files[module]), inner) if module in files else None
        if source is not None:
            found[label] = f"{label} = {source}"
    return [found[label] for label in sorted(found)]


def _files(units: Units) -> dict[str, str]:
    return {row["module"]: row["path"] for _, row in sorted(units.items()) if row["kind"] == "file"}


def _resolved(call: str, unit: Row, units: Units, imported: Mapping[str, Any]) -> Row | None:
    head, _, rest = call.rpartition(".")
    if not head:
        module, name = imported.get(rest, (unit["module"], rest))
        return _one(units, lambda row: row["module"] == module and row["qualname"] == name)
    if head in {"self", "cls"}:
        own = _one(units, lambda row: _same_class(row, unit) and _name(row["qualname"]) == rest)
        return own or _only_method(units, rest)
    if head in imported:
        module = ".".join(part for part in imported[head] if part)
        return _one(units, lambda row: row["module"] == module and row["qualname"] == rest)
    return _only_method(units, rest) if not hasattr(dict, rest) else None


def _only_method(units: Units, name: str) -> Row | None:
    return _one(units, lambda row: row["kind"] == "method" and _name(row["qualname"]) == name)


def _same_class(row: Row, unit: Row) -> bool:
    same = row["module"] == unit["module"] and row["parent"] == unit["parent"]
    return bool(same and row["kind"] == "method")


def _one(units: Units, fits: Callable[[Row], bool]) -> Row | None:
    rows = [row for row in units.values() if row["kind"] != "file" and fits(row)]
    return rows[0] if len(rows) == 1 else None


def _name(qualname: str) -> str:
    return qualname.rpartition(".")[2]


def _absolute(node: ast.ImportFrom, module: str, path: str) -> str:
    if not node.level:
        return node.module or ""
    package = path.endswith("__init__.py")
    parts = module.split(".")
    kept = parts[: len(parts) - node.level + package]
    return ".".join([*kept, *([node.module] if node.module else [])])


@functools.lru_cache(maxsize=64)
def _assignments(text: str) -> dict[str, str]:
    """Return dotted name -> source of its value, of a module's and its classes' assignments."""
    found: dict[str, str] = {}
    _collect(ast.parse(text).body, "", text, found)
    return found


def _collect(body: Iterable[ast.stmt], prefix: str, text: str, found: dict[str, str]) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef):
            _collect(node.body, f"{prefix}{node.name}.", text, found)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            source = textwrap.dedent(ast.get_source_segment(text, node.value) or "")
            for target in targets:
                if isinstance(target, ast.Name):
                    found[prefix + target.id] = source


def _value(text: str, name: str) -> str | None:
    return _assignments(text).get(name)


def _class_value(unit: Row, read: Read, name: str) -> str | None:
    return _assignments(read(unit["path"])).get(f"{unit['parent']}.{name}")
