"""States in words what a variant changes: the expression that differs, before and after.

A rule that a reader can apply names one expression that stands once in the published code. A
variant that moves statements, or whose expression stands twice, has no such rule.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace

from assay.categories._names import bound, function_of, parameters
from assay.categories._types import Mutation

LONGEST = 100  # characters of an expression that is stated
WHOLE = (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Call, ast.Subscript)

# Families whose changed rule reads like a specification come first, unknown ones after them.
CLEAREST = (
    "comparisons", "none_or_missing", "membership", "constants", "equality", "boolean_logic",
    "slices", "arithmetic", "method_swaps", "exceptions", "negation",
)  # fmt: skip


# Changes that can be stated but make no rule that anybody would specify.
ARBITRARY = frozenset({"keys", "arguments"})


def stated(source: str, mutants: Iterable[Mutation]) -> list[Mutation]:
    """Return the mutants whose change can be stated, the clearest first, with that as their rule.

    source: the published unit; mutants: in a seeded order, which is kept within a family
    """
    found = []
    for mutant in mutants:
        rule = None if mutant.operator in ARBITRARY else changed_rule(source, mutant)
        if rule is not None:
            found.append(replace(mutant, rule=rule))
    return sorted(found, key=rank)


def rank(mutant: Mutation) -> int:
    """Return a mutation's place in the order of preference; lower is clearer."""
    return CLEAREST.index(mutant.operator) if mutant.operator in CLEAREST else len(CLEAREST)


def changed_rule(source: str, mutant: Mutation) -> str | None:
    """Return the changed rule in words, or None if no single expression says it.

    An expression with the body's own local names says nothing to somebody who writes the body.
    """
    before, after = function_of(source), function_of(mutant.source)
    pair = _difference(before, after)
    if pair is None:
        return None
    old, new = (ast.unparse(node) for node in pair)
    places = sum(ast.unparse(node) == old for node in ast.walk(before) if _is_whole(node))
    unknown = _names_in(*pair) & (bound(before) - parameters(before))
    if unknown or places != 1 or max(len(old), len(new)) > LONGEST:
        return None
    return (
        f"Where the published code has `{old}`, this version has `{new}`. "
        f"In other words: {mutant.rule.strip()}."
    )


def _difference(before: ast.AST, after: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """Return the smallest whole expressions that hold all that differs, or None."""
    if ast.dump(before) == ast.dump(after):
        return None
    inner = _inner(before, after) if type(before) is type(after) else None
    if inner is not None:
        return inner
    whole = _is_whole(before) or _is_whole(after)
    if whole and isinstance(before, ast.expr) and isinstance(after, ast.expr):
        return before, after
    return None


def _inner(before: ast.AST, after: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """Return the difference within the only child that differs, or None if there are more."""
    ours, theirs = (list(ast.iter_child_nodes(node)) for node in (before, after))
    if len(ours) != len(theirs):
        return None
    pairs = zip(ours, theirs, strict=True)
    differ = [(one, other) for one, other in pairs if ast.dump(one) != ast.dump(other)]
    return _difference(*differ[0]) if len(differ) == 1 else None


def _is_whole(node: ast.AST) -> bool:
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)
    return isinstance(node, WHOLE) and not negative


def _names_in(*nodes: ast.AST) -> set[str]:
    return {item.id for node in nodes for item in ast.walk(node) if isinstance(item, ast.Name)}
