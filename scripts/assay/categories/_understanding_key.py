"""What the key of a code_understanding task holds: the oracle, the places, the witness."""

from __future__ import annotations

from collections.abc import Sequence

from assay.categories import _bugs, _variants, _witness
from assay.categories._code import code_key_json
from assay.categories._pool import Case
from assay.categories._types import CodeKey, Row
from assay.categories._understanding import (
    EXCERPTS,
    MOST_ACCEPTED,
    MOST_HIDDEN,
    MOST_NAMED,
    MOST_TESTS,
    Draft,
    UnsuitableError,
)


def groups(draft: Draft, shift: int) -> list[tuple[int, ...]]:
    """Return the lines of each mutation as the prompt numbers them; raise UnsuitableError.

    shift: what is added to the numbers of another file than the unit's
    """
    found = []
    for unit, lines in draft.bug.located():
        moved = shift if unit["path"] != draft.unit["path"] else 0
        found.append(tuple(unit["start_line"] - 1 + line + moved for line in lines))
        if len(lines) > MOST_ACCEPTED:
            raise UnsuitableError("the place of the bug is not clear")
    return found


def hidden_cases(draft: Draft, shown: Sequence[Case], most: int) -> list[Case]:
    """Return the key's hidden cases; raise UnsuitableError if all or none show a mutation."""
    ids = {case.scenario_id for case in shown}
    others = [*draft.bug.alone, *draft.others]
    found = _bugs.hidden_cases(draft.bug, others, draft.pool, ids, min(most, MOST_HIDDEN))
    found += draft.extra
    for bug in (draft.bug, *draft.bug.alone):
        if not any(case.scenario_id in bug.violated for case in found):
            raise UnsuitableError("no hidden scenario shows it")
    if all(case.scenario_id in draft.bug.violated for case in found):
        raise UnsuitableError("no hidden scenario is left as it was")
    return found


def key_of(
    draft: Draft, stratum: str, shown: Sequence[Case], hidden: Sequence[Case]
) -> dict[str, object]:  # fmt: skip
    """Return the task's key; raise UnsuitableError where it could hold no witness."""
    shift = draft.layout().shift if stratum in EXCERPTS else 0
    tests = _bugs.oracle_tests(draft.material, draft.bug, MOST_TESTS)
    first, *further = [_code(row) for row in draft.units]
    first |= {"hidden": [vars(case.hidden()) for case in hidden], "tests": list(tests),
              "shown": [case.scenario_id for case in shown]}  # fmt: skip
    made: dict[str, object] = {
        "code": first, "head": _variants.head_of(draft.unit).plain,
        "source": draft.shown(draft.unit), "groups": groups(draft, shift),
        "most_named": MOST_NAMED[stratum], "deletes": not draft.control and _deletes(draft.bug),
        "further": [{"code": code, "source": draft.shown(row)}
                    for code, row in zip(further, draft.units[1:], strict=True)],
        "further_names": [code["name"] for code in further],
        "halves": [[draft.source(row, left) for row in draft.units] for left in draft.bug.alone],
        "right_further": [draft.right(row) for row in draft.units[1:]],
    }  # fmt: skip
    if stratum in EXCERPTS:
        made["witness"] = key = _witness.wanted(draft.material, [case.data for case in shown])
        violated = [case for case in (*draft.pool, *draft.extra)
                    if case.scenario_id in draft.bug.violated]  # fmt: skip
        made["told_witness"] = _witness.shortest(violated, key)
        if made["told_witness"] is None:
            raise UnsuitableError("no scenario can be written as a witness")
    return made


def _deletes(bug: _bugs.Bug) -> bool:
    return any(fault.mutation.deletes for fault in bug.faults)


def _code(unit: Row) -> dict[str, object]:
    return code_key_json(CodeKey(
        path=unit["path"], text=None, name=unit["qualname"].rpartition(".")[2],
        first=unit["start_line"], last=unit["end_line"], def_line=unit["def_line"],
        body_line=unit["body_start_line"], body_only=False, hidden=(), tests=(),
    ))  # fmt: skip
