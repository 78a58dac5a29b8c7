"""Writes the prompt of a code_understanding task, and turns a draft into a candidate."""

from __future__ import annotations

from collections.abc import Sequence

from assay.categories import _bugs, _describe, _excerpt, _prompts, _understanding, _uses, _witness
from assay.categories._pool import Case
from assay.categories._types import Candidate
from assay.categories._understanding import (
    ADVERSARIAL,
    CATEGORY,
    EXCERPTS,
    MOST_VIOLATED,
    SHOWN_CHARACTERS,
    Draft,
    UnsuitableError,
    candidate,
)
from assay.categories._understanding_key import hidden_cases, key_of
from assay.core.splice import lines_of


def candidate_of(draft: Draft, stratum: str) -> Candidate:
    """Return the candidate that awaits the gates; raise UnsuitableError if there is none."""
    tasks = draft.material.settings["tasks"]
    shown = _shown(draft, stratum, tasks["shown"])
    hidden = hidden_cases(draft, shown, tasks["hidden"])
    key = key_of(draft, stratum, shown, hidden)
    return candidate(draft, stratum, _prompt(draft, stratum, shown), key)


def _shown(draft: Draft, stratum: str, count: int) -> list[Case]:
    """Choose the shown cases; at least one of them reads differently under the bug."""
    longest, bug = SHOWN_CHARACTERS[stratum], draft.bug
    attributes = _attributes(draft)
    short = [case for case in draft.pool if len(_text(case, attributes)) <= longest]
    visible = [
        case for case in short if case.scenario_id in bug.violated
        and _text(case, attributes)
        != _describe.scenario(case.data, bug.seen.get(case.scenario_id, {}), attributes)
    ]  # fmt: skip
    intact = [case for case in short if case.scenario_id not in bug.violated]
    if not visible or not intact:
        raise UnsuitableError("no short scenario shows it" if not visible else "none is intact")
    chosen = _bugs.shown_cases(*_telling_first(bug, visible, intact), count, MOST_VIOLATED[stratum])
    for part in bug.alone:
        if not any(case.scenario_id in part.violated for case in chosen):
            raise UnsuitableError("no shown scenario depends on one of the two mutations")
    return chosen


def _telling_first(
    bug: _bugs.Bug, visible: list[Case], intact: list[Case]
) -> tuple[list[Case], list[Case]]:  # fmt: skip
    """Put first the cases that are evidence of each of two mutations: it alone fails on them."""
    for part in reversed(bug.alone):
        for cases in (visible, intact):
            cases.sort(key=lambda case: case.scenario_id not in part.violated)
    return visible, intact


def _attributes(draft: Draft) -> list[str]:
    """Return the public attributes to show: those that vary, in the right code or by the bug."""
    seen = [draft.bug.seen.get(case.scenario_id) for case in draft.pool]
    return _describe.varying([*(case.expected for case in draft.pool), *(s for s in seen if s)])


def _text(case: Case, attributes: Sequence[str]) -> str:
    return _describe.scenario(case.data, case.expected, attributes)


def _prompt(draft: Draft, stratum: str, shown: Sequence[Case]) -> str:
    unit, attributes = draft.unit, _attributes(draft)
    beside = _excerpt.companions(draft.material) if stratum == "standard" else []
    values = {
        "kind": unit["kind"], "package": unit["module"].partition(".")[0], "path": unit["path"],
        "collaborators": "\n\n".join(_excerpt.shown_source(row) for row in beside),
        "examples": _describe.examples([(one.data, one.expected) for one in shown], attributes),
    }  # fmt: skip
    template = _prompts.template(CATEGORY, draft.material.settings)
    values |= _listings(draft, stratum) | _form(shown, stratum)
    most = _understanding.longest_prompt(draft.material, stratum)
    return _uses.filled(template, values, (one.data for one in shown), draft.material, most)


def _listings(draft: Draft, stratum: str) -> dict[str, str]:
    """Return the values that say what is listed: the unit, an excerpt, or two of them."""
    unit = draft.unit
    made = dict.fromkeys(("unit", "excerpt", "excerpts", "second_listing", "second_path"), "")
    if stratum not in EXCERPTS:
        listing = _excerpt.numbered(lines_of(draft.shown(unit)), unit["start_line"])
        return made | {"unit": unit["qualname"], "listing": listing}
    layout = draft.layout()
    listing, *further = layout.listings
    if not further:
        return made | {"excerpt": "yes", "listing": listing}
    return made | {
        "excerpts": "yes", "listing": listing, "second_listing": further[0],
        "second_path": layout.paths[-1],
    }  # fmt: skip


def _form(shown: Sequence[Case], stratum: str) -> dict[str, str]:
    """Return the values that say what is asked for."""
    several, data = stratum == ADVERSARIAL, shown[0].data
    objects = any(_witness.objects(case.data) for case in shown)
    names = [call[0] for case in shown for call in case.data["calls"]]
    call = next((name for name in names if _witness.spells(name)), "")
    head = f"{_describe.entry_name(data)}(...)"
    if data["init"] is not None:
        head += "(...)" if call in {"", "__call__"} else f".{call}(...)"
    return {
        "one": "" if stratum in EXCERPTS else "yes",
        "hidden": "yes" if stratum == "hard" else "",
        "several": "yes" if several else "", "plain": "" if several else "yes",
        "witness": head if stratum in EXCERPTS else "",
        "objects": "yes" if objects else "",
    }  # fmt: skip
