"""What a module of tests holds beside its tests: the objects that tests use."""

from __future__ import annotations

import ast

from assay.core.splice import lines_of

Function = ast.FunctionDef | ast.AsyncFunctionDef


def without_tests(text: str) -> str:
    """Return a module's text without its test functions, test classes and fixtures.

    Nothing is left of a text that does not parse.
    """
    try:
        found = [node for node in ast.parse(text).body if _is_test(node)]
    except (SyntaxError, ValueError):
        return ""
    lines = lines_of(text)
    for node in reversed(found):
        marks = [mark.lineno for mark in getattr(node, "decorator_list", [])]
        at = min([node.lineno, *marks]) - 1
        del lines[at : node.end_lineno]
        while 0 < at < len(lines) and not lines[at].strip() and not lines[at - 1].strip():
            del lines[at]
    left = "".join(lines).rstrip()
    return f"{left}\n" if left else ""


def _is_test(node: ast.stmt) -> bool:
    if isinstance(node, ast.ClassDef):
        return node.name.startswith("Test")
    if not isinstance(node, Function):
        return False
    marks = [ast.unparse(mark) for mark in node.decorator_list]
    return node.name.startswith("test") or any("fixture" in mark for mark in marks)
