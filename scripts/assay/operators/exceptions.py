"""Exceptions: a handler catches less or more than it did, or another kind is raised."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from assay.operators.base import NO_PARAMETERS, Code, Edit, short

PARAMETERS = NO_PARAMETERS
EXAMPLES = {
    "def f():\n    try:\n        g()\n    except (KeyError, TypeError):\n        h()\n": {
        "def f():\n    try:\n        g()\n    except KeyError:\n        h()\n",
        "def f():\n    try:\n        g()\n    except TypeError:\n        h()\n",
    },
    "def f():\n    try:\n        g()\n    except Exception as e:\n        h(e)\n": {
        "def f():\n    try:\n        g()\n    except ValueError as e:\n        h(e)\n",
        "def f():\n    try:\n        g()\n    except TypeError as e:\n        h(e)\n",
    },
    "def f():\n    raise KeyError('a')\n": {"def f():\n    raise ValueError('a')\n"},
    "def f():\n    try:\n        g()\n    except IndexError:\n        h()\n": {
        "def f():\n    try:\n        g()\n    except LookupError:\n        h()\n"
    },
}
_WIDENED = {
    "KeyError": "LookupError", "IndexError": "LookupError", "UnicodeError": "ValueError",
    "FileNotFoundError": "OSError", "ModuleNotFoundError": "ImportError",
    "ZeroDivisionError": "ArithmeticError", "NotImplementedError": "RuntimeError",
}  # fmt: skip
_NARROWED = {
    "Exception": ("ValueError", "TypeError"),
    "LookupError": ("KeyError", "IndexError"),
    "ValueError": ("UnicodeError",),
    "TypeError": ("ValueError",),
    "KeyError": ("IndexError",),
    "AttributeError": ("KeyError",),
    "ImportError": ("ModuleNotFoundError",),
    "OSError": ("FileNotFoundError",),
}
_RAISED = {"KeyError": "ValueError", "ValueError": "TypeError", "TypeError": "ValueError",
           "AttributeError": "KeyError", "IndexError": "KeyError", "RuntimeError": "ValueError",
           "NotImplementedError": "RuntimeError"}  # fmt: skip


def mutate(code: Code) -> Iterator[Edit]:
    """Yield each handler narrowed or widened, and each built-in exception raised as another."""
    for handler in code.nodes(ast.ExceptHandler):
        yield from _caught(code, handler)
    for node in code.nodes(ast.Raise):
        kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if isinstance(kind, ast.Name) and kind.id in _RAISED:
            new = _RAISED[kind.id]
            yield code.replace(kind, new, f"the exception raised there is {new}")


def _caught(code: Code, handler: ast.ExceptHandler) -> Iterator[Edit]:
    caught = handler.type
    if isinstance(caught, ast.Tuple) and len(caught.elts) > 1:
        for left in caught.elts:
            kept = [code.text(item) for item in caught.elts if item is not left]
            new = kept[0] if len(kept) == 1 else f"({', '.join(kept)})"
            rule = f"`{short(code.text(left))}` is not caught there"
            yield code.replace(caught, new, rule)
    elif isinstance(caught, ast.Name):
        for new in _NARROWED.get(caught.id, ()):
            yield code.replace(caught, new, f"only `{new}` is caught there")
        if caught.id in _WIDENED:
            new = _WIDENED[caught.id]
            yield code.replace(caught, new, f"every `{new}` is caught there")
