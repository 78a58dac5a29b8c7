"""The names that a function's body uses: what a prompt has to list so that it is decidable."""

from __future__ import annotations

import ast
import builtins
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

PLAIN_NUMBERS = frozenset({0, 1, -1})

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Names:
    """Names that a body uses, each sorted, without repeats.

    attributes: dotted chains as written, such as "self.document" or "errors.MIN_VALUE"
    globals:    names that are neither builtin nor bound in the unit
    strings:    string literals other than the docstring, and parts of f-strings
    numbers:    source text of numbers other than 0, 1 and -1
    """

    attributes: tuple[str, ...]
    globals: tuple[str, ...]
    strings: tuple[str, ...]
    numbers: tuple[str, ...]


def names(*sources: str) -> Names:
    """Return the names used by the bodies of functions, given as (indented) source texts.

    Raises SyntaxError if a source does not parse.
    """
    found: dict[str, set[str]] = {"attributes": set(), "globals": set(), "strings": set()}
    numbers: set[str] = set()
    for source in sources:
        tree = function_of(source)
        own = bound(tree)
        for statement in body_of(tree):
            for node in ast.walk(statement):
                _note(node, own, found, numbers)
    chains = {name for name in found["attributes"] if not _is_prefix(name, found["attributes"])}
    return Names(
        tuple(sorted(chains)), tuple(sorted(found["globals"])), tuple(sorted(found["strings"])),
        tuple(sorted(numbers)),
    )  # fmt: skip


def function_of(source: str) -> Function:
    """Return the parsed function of a unit's source, whichever its indentation.

    Raises SyntaxError if the text is no function definition.
    """
    node = ast.parse(textwrap.dedent(source)).body[-1:]
    if not node or not isinstance(node[0], (ast.FunctionDef, ast.AsyncFunctionDef)):
        raise SyntaxError("the source is no function definition")
    return node[0]


def body_of(function: Function) -> list[ast.stmt]:
    """Return the statements of a function after its docstring."""
    return function.body[1:] if ast.get_docstring(function, clean=False) else function.body


def parameters(function: Function) -> set[str]:
    """Return the names of a function's own parameters."""
    return {item.arg for item in ast.walk(function.args) if isinstance(item, ast.arg)}


def bound(function: Function) -> set[str]:
    """Return the names that are bound anywhere in a function, its parameters among them."""
    found = {item.arg for item in ast.walk(function) if isinstance(item, ast.arg)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found |= {node.name} - {function.name}
    return found


def _note(node: ast.AST, own: set[str], found: dict[str, set[str]], numbers: set[str]) -> None:
    if isinstance(node, ast.Attribute):
        chain = _chain(node)
        if chain:
            found["attributes"].add(chain)
    elif isinstance(node, ast.Name) and node.id not in own and not hasattr(builtins, node.id):
        found["globals"].add(node.id)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        found["strings"].add(node.value)
    elif isinstance(node, ast.Constant) and type(node.value) in {int, float, complex}:
        numbers |= {repr(node.value)} if node.value not in PLAIN_NUMBERS else set()


def _chain(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = _chain(node.value)
        return f"{head}.{node.attr}"
    return ""


def _is_prefix(name: str, others: Iterable[str]) -> bool:
    return any(other.startswith(f"{name}.") for other in others)
