"""Renamed locals: a unit that reads differently from the published one and does the same.

Only names that the unit itself binds and that nobody outside can see: never parameters (they may
be passed by keyword), nor what a nested scope binds, nor names inside f-strings (whose places
Python 3.11 does not tell) or of `except … as`.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re

from assay.core.pycode import Code
from assay.core.seeds import shuffled

WORDS = (
    "item", "part", "entry", "piece", "subject", "current", "outcome", "holder", "extra", "wanted",
    "given", "found", "other", "rest", "inner", "mark", "slot", "pick", "base", "step",
)  # fmt: skip
DYNAMIC = frozenset({"locals", "vars", "eval", "exec", "dir", "globals"})
SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda


def renamed(source: str, *seed: object) -> tuple[str, int]:
    """Return the unit's source with all its private names changed, and how many there were."""
    code = Code(source)
    old = _private(code)
    taken = set(re.findall(r"\w+", source)) | set(dir(builtins)) | set(keyword.kwlist)
    fresh = [word for word in shuffled(WORDS, *seed, "names") if word not in taken]
    new = dict(zip(old, fresh, strict=False))
    spots = [
        (code.span(node), new[node.id]) for node in ast.walk(code.unit)
        if isinstance(node, ast.Name) and node.id in new
    ]  # fmt: skip
    data = code.data
    for (start, end), name in sorted(spots, reverse=True):
        data = data[:start] + name.encode() + data[end:]
    return data.decode("utf-8"), len(new)


def _private(code: Code) -> list[str]:
    """Return the names that may be changed, in the order in which the text first binds them."""
    unit = code.unit
    nodes = list(ast.walk(unit))
    called = {node.func.id for node in nodes
              if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}  # fmt: skip
    if called & DYNAMIC:
        return []
    kept = {node.arg for node in nodes if isinstance(node, ast.arg)}
    for node in nodes:
        if isinstance(node, ast.Global | ast.Nonlocal):
            kept |= set(node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            kept.add(node.name)
        elif isinstance(node, ast.JoinedStr) or (isinstance(node, SCOPES) and node is not unit):
            kept |= {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            kept |= {(item.asname or item.name).partition(".")[0] for item in node.names}
        elif isinstance(node, ast.MatchAs | ast.MatchStar | ast.MatchMapping):
            return []
    stored = [node for node in nodes if isinstance(node, ast.Name)
              and isinstance(node.ctx, ast.Store) and node.id not in kept]  # fmt: skip
    stored = [node for node in stored if not node.id.startswith("_")]  # `_` says: not used
    return list(dict.fromkeys(node.id for node in sorted(stored, key=code.span)))
