"""What makes a mutation look like code that somebody wrote: no tell-tale forms, no new finding."""

from __future__ import annotations

import ast
import copy
import warnings
from collections import Counter
from collections.abc import Iterator
from types import CodeType

Function = ast.FunctionDef | ast.AsyncFunctionDef


def acceptable(old: Function, new: Function) -> bool:
    """Say whether a mutated function may stand for somebody's honest mistake.

    The signature (but for defaults), decorators and docstring are the same; its bytecode differs;
    and it has no more tell-tale forms than the original.
    """
    if _frame(old) != _frame(new) or shape(old) == shape(new):
        return False
    return not Counter(_oddities(new)) - Counter(_oddities(old))


def shape(unit: Function) -> object:
    """Return what a function compiles to, without names of files and numbers of lines.

    A function within a function gets one around it that binds what it says is not its own.
    """
    outer = sorted(
        {name for node in ast.walk(unit) if isinstance(node, ast.Nonlocal) for name in node.names}
    )
    names = ast.arguments([], [ast.arg(name) for name in outer], None, [], [], None, [])
    around = ast.FunctionDef("around", names, [unit], [])
    module = ast.Module(body=[around if outer else unit], type_ignores=[])
    ast.fix_missing_locations(module)
    with warnings.catch_warnings():  # a mutant may well call a text
        warnings.simplefilter("ignore", SyntaxWarning)
        return _shape(compile(module, "unit", "exec", dont_inherit=True))


def _shape(code: CodeType) -> object:
    constants = tuple(
        _shape(item) if isinstance(item, CodeType) else (type(item).__name__, repr(item))
        for item in code.co_consts
    )
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return code.co_code, code.co_exceptiontable, names, constants, code.co_flags


def _frame(unit: Function) -> object:
    bare = copy.deepcopy(unit.args)
    bare.defaults, bare.kw_defaults = [], []
    parts = [bare, *unit.decorator_list, *([unit.returns] if unit.returns else [])]
    return unit.name, ast.get_docstring(unit, clean=False), [ast.dump(part) for part in parts]


def _oddities(unit: Function) -> Iterator[str]:
    """Yield the name of each form that a linter or reader stumbles over."""
    for node in ast.walk(unit):
        yield from (name for name, test in _FORMS.items() if test(node))
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(node, block, None)
            if isinstance(statements, list) and any(map(_leaves, statements[:-1])):
                yield "code after a jump"
    yield from _unused(unit)


def _negated_comparison(node: ast.AST) -> bool:
    odd = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    inner = getattr(node, "operand", None)
    return odd and (
        (isinstance(inner, ast.Compare) and len(inner.ops) == 1) or _is_not(inner)
        or isinstance(inner, ast.Constant)
    )  # fmt: skip


def _is_not(node: object) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def _useless(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and not isinstance(
        node.value, ast.Call | ast.Await | ast.Yield | ast.YieldFrom | ast.Constant
    )


def _same_operands(node: ast.AST) -> bool:
    if isinstance(node, ast.BoolOp):
        return len({ast.dump(value) for value in node.values}) < len(node.values)
    sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
    return len({ast.dump(side) for side in sides}) < len(sides)


def _odd_comparison(node: ast.AST) -> bool:
    if not isinstance(node, ast.Compare):
        return False
    pairs = zip(node.ops, node.comparators, strict=True)
    return any(
        (isinstance(op, ast.Eq | ast.NotEq) and _is_single(side))
        or (isinstance(op, ast.Is | ast.IsNot) and _is_literal(side))
        for op, side in pairs
    )


def _is_single(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))


def _is_literal(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and not _is_single(node) and node.value is not ...


def _fixed_test(node: ast.AST) -> bool:
    tested = isinstance(node, ast.If | ast.While | ast.IfExp)
    return tested and isinstance(getattr(node, "test", None), ast.Constant)


def _assigned_to_itself(node: ast.AST) -> bool:
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return False
    return ast.unparse(node.targets[0]) == ast.unparse(node.value)


def _leaves(node: ast.stmt) -> bool:
    return isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue)


def _unused(unit: Function) -> Iterator[str]:
    names = [node for node in ast.walk(unit) if isinstance(node, ast.Name)]
    read = {node.id for node in names if isinstance(node.ctx, ast.Load | ast.Del)}
    stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    yield from ("unused variable" for _ in stored - read)
    arguments = [node.arg for node in ast.walk(unit) if isinstance(node, ast.arg)]
    yield from ("unused argument" for name in arguments if name not in read)


def _ends_bare(node: ast.AST) -> bool:
    last = node.body[-1] if isinstance(node, Function) else None
    return isinstance(last, ast.Return) and last.value is None


_FORMS = {
    "negated comparison": _negated_comparison,
    "pass": lambda node: isinstance(node, ast.Pass),
    "no effect": _useless,
    "same operands": _same_operands,
    "odd comparison": _odd_comparison,
    "fixed test": _fixed_test,
    "assigned to itself": _assigned_to_itself,
    "bare return at the end": _ends_bare,
}
