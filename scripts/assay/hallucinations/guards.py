"""What code says of itself: that something may be missing here, and that it knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

# A test of these says that what follows may be missing here.
GUARDS = re.compile(
    r"(?i)version|platform|os\.name|hasattr|type_checking|win(32|dows)|python|py_?(behav|py|2|3)"
)
GUARDING = re.compile(r"suppress|raises|importorskip|skip")
CATCHING = frozenset({
    "ImportError", "ModuleNotFoundError", "AttributeError", "NameError", "TypeError", "Exception",
    "BaseException",
})  # fmt: skip
Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_guarded(node: ast.AST) -> bool:
    """Tell whether what stands in a node may be missing, and the code knows."""
    if isinstance(node, ast.Try):
        caught = [each.id for handler in node.handlers for each in names_in(handler.type)]
        return any(handler.type is None for handler in node.handlers) or bool({*caught} & CATCHING)
    if isinstance(node, ast.If | ast.IfExp | ast.While | ast.Assert):
        return _says(GUARDS, node.test)
    if isinstance(node, ast.BoolOp):
        return any(_says(GUARDS, value) for value in node.values)
    if isinstance(node, ast.With | ast.AsyncWith):
        return any(_says(GUARDING, item.context_expr) for item in node.items)
    if isinstance(node, Function | ast.ClassDef):
        return any(_says(GUARDING, each) for each in node.decorator_list)
    return False


def _says(pattern: re.Pattern[str], node: ast.AST) -> bool:
    """Tell whether an expression's text has a pattern; what can't be written out may say it."""
    try:
        return bool(pattern.search(ast.unparse(node)))
    except (ValueError, RecursionError):  # an integer of thousands of digits, a deep expression
        return True


def names_in(node: ast.AST | None) -> Iterator[ast.Name]:
    """Yield the names that an expression uses."""
    return (each for each in ast.walk(node) if isinstance(each, ast.Name)) if node else iter(())
