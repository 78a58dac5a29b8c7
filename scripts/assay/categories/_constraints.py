"""What an answer's code may use, and how far it keeps the given head; read from its syntax tree.

Nothing here runs the answer. The sandbox is what protects the host; these checks say whether the
answer did what the prompt asked.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping

from assay.categories._names import Function, function_of
from assay.categories._types import Extraction

FORBIDDEN_NAMES = frozenset({"eval", "exec", "compile", "__import__", "__builtins__", "builtins"})
FORBIDDEN_ATTRIBUTES = frozenset({"__globals__", "__subclasses__", "__builtins__", "import_module"})


def checks(extraction: Extraction, head: str, file_imports: Iterable[str]) -> dict[str, bool]:
    """Return the named checks of an answer that holds a unit's code.

    head:         decorators, signature and docstring as the prompt gives them, dedented
    file_imports: import statements of the unit's file
    Names: parses, signature_kept, hints_kept, imports_ok, constraints_kept.
    """
    names = ("parses", "signature_kept", "hints_kept", "imports_ok", "constraints_kept")
    given = function_of(f"{head}\n    pass\n")
    try:
        unit = function_of(extraction.code or "")
        trees = [unit, *(ast.parse(text) for text in (*extraction.helpers, *extraction.imports))]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return dict.fromkeys(names, False)
    imports_ok = _modules(trees) <= sys.stdlib_module_names | _modules(map(ast.parse, file_imports))
    return {
        "parses": True,
        "signature_kept": _parameters(unit) == _parameters(given),
        "hints_kept": _hints(given).items() <= _hints(unit).items(),
        "imports_ok": imports_ok,
        "constraints_kept": imports_ok and not any(map(_forbidden, trees)),
    }


def _modules(trees: Iterable[ast.AST]) -> frozenset[str]:
    """Return the top-level names of imported modules; a relative import is the file's own."""
    return frozenset(
        name for tree in trees for node in ast.walk(tree) for name in _top_levels(node)
    )


def _top_levels(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield "." if node.level else (node.module or "").partition(".")[0]


def _forbidden(tree: ast.AST) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES)
        or (isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_ATTRIBUTES)
        or (isinstance(node, ast.alias) and node.name in FORBIDDEN_NAMES)
        for node in ast.walk(tree)
    )


def _parameters(unit: Function) -> tuple[str, ...]:
    """Return name, kind and defaults of each parameter, without annotations."""
    given = unit.args
    kinds = {
        "/": given.posonlyargs, "": given.args, "*": given.kwonlyargs,
        "*args": [given.vararg] if given.vararg else [],
        "**": [given.kwarg] if given.kwarg else [],
    }  # fmt: skip
    listed = [f"{kind}{argument.arg}" for kind, many in kinds.items() for argument in many]
    defaults = [
        ast.unparse(item) if item else "-" for item in (*given.defaults, *given.kw_defaults)
    ]
    return (unit.name, type(unit).__name__, *listed, "=", *defaults)


def _hints(unit: Function) -> Mapping[str, str]:
    hints = {
        node.arg: ast.unparse(node.annotation)
        for node in ast.walk(unit.args)
        if isinstance(node, ast.arg) and node.annotation
    }
    return hints | ({"return": ast.unparse(unit.returns)} if unit.returns else {})
