"""A mutable default: one list, dict or set is shared by all calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, is_none, short

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f(a, b=None):\n    '''D.'''\n    if b is None:\n        b = []\n    return b + a\n": {
        "def f(a, b=[]):\n    '''D.'''\n    return b + a\n"
    },
    "def f(a, *, b=None):\n    b = {} if b is None else b\n    return b\n": {
        "def f(a, *, b={}):\n    return b\n"
    },
    "def f(a, b=None):\n    b = b or set()\n    return b\n": {
        "def f(a, b=set()):\n    return b\n"
    },
    "def f(a, b=None):\n    if b is None:\n        b = a\n    return b\n": set(),
    "def f(a, b=None):\n    c = b or []\n    return c\n": set(),
}  # fmt: skip
_MAKERS = frozenset({"list", "dict", "set"})


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each `None` that stands for a fresh container replaced by one container for all."""
    arguments = code.unit.args
    plain = [*arguments.posonlyargs, *arguments.args]
    with_default = plain[len(plain) - len(arguments.defaults) :]
    pairs = [
        *zip(with_default, arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    for argument, default in pairs:
        if default is None or not is_none(default):
            continue
        for statement in code.statements()[:-1]:
            fresh = _fresh(statement, argument.arg)
            if fresh is not None:
                yield _shared(code, argument.arg, default, statement, fresh)
                break


def _shared(
    code: Code, name: str, default: ast.expr, statement: ast.stmt, fresh: ast.expr
) -> Edit:  # fmt: skip
    start, after = code.span(default)
    first, end = code.whole_lines(statement, statement)
    new = code.text(fresh) + code.cut(after, first)
    return Edit(start, end, new, f"one `{short(code.text(fresh))}` is the `{name}` of all calls")


def _fresh(statement: ast.stmt, name: str) -> ast.expr | None:
    """Return the empty container that a statement puts in the place of None, or nothing."""
    if isinstance(statement, ast.If) and len(statement.body) == 1 and not statement.orelse:
        made = _assigned(statement.body[0], name)
        return made if _tests(statement.test, name) and _is_empty(made) else None
    value = _assigned(statement, name)
    if isinstance(value, ast.IfExp) and _tests(value.test, name):
        kept = getattr(value.orelse, "id", "") == name
        return value.body if kept and _is_empty(value.body) else None
    if isinstance(value, ast.BoolOp) and isinstance(value.op, ast.Or) and len(value.values) == 2:
        kept = getattr(value.values[0], "id", "") == name
        return value.values[1] if kept and _is_empty(value.values[1]) else None
    return None


def _assigned(statement: ast.stmt, name: str) -> ast.expr | None:
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    return statement.value if getattr(statement.targets[0], "id", "") == name else None


def _tests(test: ast.expr, name: str) -> bool:
    """Say whether a condition is `name is None` or `not name`."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return getattr(test.operand, "id", "") == name
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return False
    same = isinstance(test.ops[0], ast.Is) and is_none(test.comparators[0])
    return same and getattr(test.left, "id", "") == name


def _is_empty(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Call):
        return getattr(node.func, "id", "") in _MAKERS and not node.args and not node.keywords
    empty = not (getattr(node, "elts", None) or getattr(node, "keys", None))
    return isinstance(node, ast.List | ast.Dict) and empty
