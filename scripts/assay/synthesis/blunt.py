"""Blunt mutations of a unit: they fill the sample that an oracle is tried on, and make no task.

A short unit leaves the operators little to get wrong, and two mutants show nothing of an oracle.
So its sample is filled with what other tools mutate by: the statement deletion of Agrawal et al.
(Design of Mutant Operators for C, 1989, SDL), Offutt's operand deletion (ODL), and PIT's return
values, naked receiver, argument propagation and removed conditionals
(https://pitest.org/quickstart/mutators/). Nobody is shown them, so they need not look like
somebody's mistake; what is equal to a body that does nothing is left out, since the null answers
try that already.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from assay.categories.base import Mutation
from assay.core import seeds
from assay.core.pycode import Code, Edit
from assay.synthesis.idioms import shape
from assay.synthesis.mutants import all_mutants, place_of

RETURNED = ("None", "False", "True")


def blunt_mutants(unit_row: Mapping[str, Any], seed: int) -> list[Mutation]:
    """Return the blunt mutations of a unit (a row with `source`), other than `all_mutants`.

    The kinds take turns, in an order drawn from the seed and the unit's id, as within a kind.
    """
    return list(_cached(unit_row["source"], unit_row["unit_id"], seed))


@functools.lru_cache(maxsize=256)
def _cached(source: str, unit_id: str, seed: int) -> tuple[Mutation, ...]:
    try:
        code = Code(source)
    except (SyntaxError, ValueError):
        return ()
    if not code.statements():
        return ()
    known = [source, _idle(code)]
    known += [item.source for item in all_mutants({"source": source, "unit_id": unit_id}, seed)]
    seen = {shape(Code(text).unit) for text in known}
    ranked: list[tuple[int, Mutation]] = []
    made = {kind: list(_made(code, kind, seen)) for kind in KINDS}
    for kind in seeds.shuffled(KINDS, seed, unit_id, "blunt"):
        fresh = seeds.shuffled(made[kind], seed, unit_id, kind, key=lambda item: item.site)
        ranked += enumerate(fresh)
    return tuple(mutation for _, mutation in sorted(ranked, key=lambda pair: pair[0]))


def _idle(code: Code) -> str:
    """Return the unit with a body that does nothing."""
    first, last = code.statements()[0], code.statements()[-1]
    return code.apply(Edit(_start(code, first), code.span(last)[1], "pass", ""))


def _start(code: Code, statement: ast.stmt) -> int:
    """Return the byte that a statement begins at: the sign of its first decorator, if any."""
    decorators = getattr(statement, "decorator_list", None)
    if not decorators:
        return code.span(statement)[0]
    return code.data.rfind(b"@", 0, code.span(decorators[0])[0])


def _made(code: Code, kind: str, seen: set[object]) -> Iterator[Mutation]:
    for edit in KINDS[kind](code):
        source = code.apply(edit)
        try:
            new = shape(Code(source).unit)
        except (SyntaxError, ValueError):
            continue
        if new not in seen:
            seen.add(new)
            yield Mutation(kind, source, (), edit.deletes, place_of(code, edit), edit.rule)


def _statement_deletion(code: Code) -> Iterator[Edit]:
    for node in code.nodes(ast.stmt):
        yield Edit(_start(code, node), code.span(node)[1], "pass", "", deletes=True)


def _return_values(code: Code) -> Iterator[Edit]:
    for node in code.nodes(ast.Return):
        yield from (code.replace(node, f"return {value}", "") for value in RETURNED)


def _naked_receiver(code: Code) -> Iterator[Edit]:
    for node in code.nodes(ast.Call):
        if isinstance(node.func, ast.Attribute):
            yield code.replace(node, f"({code.text(node.func.value)})", "")


def _argument_propagation(code: Code) -> Iterator[Edit]:
    for node in code.nodes(ast.Call):
        for argument in node.args:
            if not isinstance(argument, ast.Starred | ast.GeneratorExp):
                yield code.replace(node, f"({code.text(argument)})", "")


def _argument_deletion(code: Code) -> Iterator[Edit]:
    for node in code.nodes(ast.Call):
        given = [*node.args, *node.keywords]
        for left_out in given:
            rest = (code.text(item) for item in given if item is not left_out)
            yield code.replace(node, f"{code.text(node.func)}({', '.join(rest)})", "")


def _removed_conditionals(code: Code) -> Iterator[Edit]:
    branches: list[ast.If | ast.IfExp] = [*code.nodes(ast.If), *code.nodes(ast.IfExp)]
    for node in branches:
        yield from (code.replace(node.test, value, "") for value in ("True", "False"))


def _operand_deletion(code: Code) -> Iterator[Edit]:
    for node in code.nodes(ast.expr):
        yield from (code.replace(node, f"({code.text(one)})", "") for one in _operands(code, node))


def _operands(code: Code, node: ast.expr) -> list[ast.expr]:
    """Return what can stand for an expression by itself: one side, or what a part is taken of."""
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    parent = code.parent(node)
    called = isinstance(parent, ast.Call) and parent.func is node
    if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Load):
        return [] if called else [node.value]
    return []


KINDS: dict[str, Callable[[Code], Iterator[Edit]]] = {
    "statement_deletion": _statement_deletion, "return_values": _return_values,
    "naked_receiver": _naked_receiver, "argument_propagation": _argument_propagation,
    "argument_deletion": _argument_deletion, "removed_conditionals": _removed_conditionals,
    "operand_deletion": _operand_deletion,
}  # fmt: skip
