"""The dials that set the stratum of a code_generation task, and what units it can be about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.categories._types import Row


@dataclass(frozen=True)
class Dial:
    """The most that a unit of a stratum may have of each; beyond one of them it is the next.

    body_lines:    lines after the docstring
    collaborators: functions, methods and classes of the target that the body calls
    """

    statements: int
    complexity: int
    body_lines: int
    collaborators: int


STRATA = {
    "trivial": Dial(statements=6, complexity=4, body_lines=15, collaborators=1),
    "standard": Dial(statements=18, complexity=8, body_lines=60, collaborators=5),
    "hard": Dial(statements=120, complexity=60, body_lines=300, collaborators=40),
}
PROMPT_FACTOR = {
    "trivial": 1,
    "standard": 1,
    "hard": 3,
    "adversarial": 3,
}  # of tasks.prompt_characters
SHOWN_CHARACTERS = {
    "trivial": 500,
    "standard": 700,
    "hard": 1500,
    "adversarial": 1500,
}  # of one shown scenario
FEWEST_SCENARIOS = 3
FEWEST_DUNDER_STATEMENTS = 4  # `__len__` and the like are no question
CHARACTERS_PER_TOKEN = 3  # of code, on the safe side
SHORT_ANSWER = 900  # characters that are allowed whatever the budget: a smoke run cuts answers


def longest_prompt(settings: Mapping[str, Any], stratum: str) -> int:
    """Return the characters of a stratum's longest prompt."""
    return int(settings["tasks"]["prompt_characters"]) * PROMPT_FACTOR[stratum]


def stratum_of(unit: Row, collaborators: int, *, doubled: bool = False) -> str | None:
    """Return the first stratum whose dials hold the unit, or None if none does.

    With two changed rules (`doubled`) the task is adversarial if any stratum holds the unit.
    """
    if doubled:
        return "adversarial" if stratum_of(unit, collaborators) else None
    for name, dial in STRATA.items():
        fits = (
            unit["statements"] <= dial.statements
            and unit["complexity"] <= dial.complexity
            and body_lines(unit) <= dial.body_lines
            and collaborators <= dial.collaborators
        )
        if fits:
            return name
    return None


def body_lines(unit: Row) -> int:
    """Return the number of lines of the unit's body, after its docstring."""
    return int(unit["end_line"] - unit["body_start_line"] + 1)


def unsuitable(unit: Row, scenarios: int) -> str:
    """Return why no task can be about the unit, or an empty text."""
    name = unit["qualname"].rpartition(".")[2]
    dunder = name.startswith("__") and name.endswith("__")
    if unit["kind"] not in {"function", "method"}:
        return f"a {unit['kind']} is no unit of this category"
    if dunder and unit["statements"] < FEWEST_DUNDER_STATEMENTS:
        return "a trivial special method"
    if unit["body_start_line"] <= unit["def_line"]:
        return "the body begins on the line of its def"
    return "fewer than three scenarios reach it" if scenarios < FEWEST_SCENARIOS else ""
