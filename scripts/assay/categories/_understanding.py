"""Builds one code_understanding task: what its prompt shows and what its key holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.categories import _bugs, _describe, _excerpt, _prompts, _variants
from assay.categories._code import code_key_json
from assay.categories._pool import Case
from assay.categories._types import Candidate, CodeKey, Material, Row
from assay.core.seeds import fraction
from assay.core.splice import lines_of

CATEGORY = "code_understanding"
SHOWN_CHARACTERS = {"trivial": 800, "standard": 900, "hard": 1500}  # of one shown scenario
MOST_VIOLATED = {"trivial": 3, "standard": 2, "hard": 1}  # of the shown scenarios
PROMPT_FACTOR = {"trivial": 1, "standard": 1, "hard": 3}  # of tasks.prompt_characters
TRIVIAL_LINES, TRIVIAL_COMPLEXITY = 40, 8
MOST_HIDDEN = 16  # scenarios of the key: they are chosen for what they tell apart
MOST_TESTS = 24  # tests of the key
CHARACTERS_PER_TOKEN = 3  # of code, on the safe side
SHORT_ANSWER = 900  # characters that are allowed whatever the budget: a smoke run cuts answers
MOST_ACCEPTED = 3  # lines of a bug's place; more of them are no clear place


class UnsuitableError(ValueError):
    """This bug makes no task of this stratum; the text says why."""


@dataclass(frozen=True)
class Draft:
    """A task before it is written down.

    bug:     what the prompt shows, or, for a control, what only guides the choice of scenarios
    others:  the unit's other mutants, which the oracle has to tell from the right code
    pool:    the cases that all mutants ran over
    extra:   further cases, which tell mutants that the pool does not tell: hidden ones only
    control: the prompt shows the right code
    """

    material: Material
    bug: _bugs.Bug
    others: Sequence[_bugs.Bug]
    pool: Sequence[Case]
    extra: Sequence[Case]
    control: bool

    @property
    def unit(self) -> Row:
        """Return the unit's row."""
        return self.material.unit

    @property
    def source(self) -> str:
        """Return the unit's source as the prompt shows it."""
        return str(self.unit["source"]) if self.control else self.bug.mutation.source


def strata(material: Material) -> list[str]:
    """Return the strata that the unit can serve, in an order drawn by the config's mix."""
    unit, mix = material.unit, material.settings["tasks"]["strata"]
    small = unit["lines"] <= TRIVIAL_LINES and unit["complexity"] <= TRIVIAL_COMPLEXITY
    text = material.bench.read(unit["path"])
    possible = {
        "trivial": small, "standard": bool(_excerpt.companions(material)),
        "hard": len(lines_of(text)) >= _excerpt.FEWEST_LINES,
    }  # fmt: skip
    weights = {name: mix.get(name, 0) for name, fits in possible.items() if fits}

    def draw(name: str) -> float:
        return -float(fraction(material.seed, unit["unit_id"], name) ** (1 / weights[name]))

    return sorted((name for name, weight in weights.items() if weight), key=draw)


def candidate_id(unit: Row, bug: _bugs.Bug, stratum: str, *, control: bool) -> str:
    """Return the identity of a candidate."""
    what = f"{'control:' if control else ''}{bug.mutation.operator}:{bug.mutation.site}"
    return f"{CATEGORY}:{unit['unit_id']}:{stratum}:{what}"


def candidate_of(draft: Draft, stratum: str) -> Candidate:
    """Return the candidate that awaits the gates; raise UnsuitableError if there is none."""
    tasks, unit, mutation = draft.material.settings["tasks"], draft.unit, draft.bug.mutation
    accepted = tuple(unit["start_line"] - 1 + line for line in mutation.lines)
    if len(accepted) > MOST_ACCEPTED:
        raise UnsuitableError("the place of the bug is not clear")
    shown = _shown(draft, stratum, tasks["shown"])
    ids = {case.scenario_id for case in shown}
    most = min(tasks["hidden"], MOST_HIDDEN)
    hidden = _bugs.hidden_cases(draft.bug, draft.others, draft.pool, ids, most)
    hidden = [*hidden, *draft.extra]
    if not any(case.scenario_id in draft.bug.violated for case in hidden):
        raise UnsuitableError("no hidden scenario shows it")
    prompt = _prompt(draft, stratum, shown)
    most = tasks["prompt_characters"] * PROMPT_FACTOR[stratum]
    if len(prompt) > most:
        raise UnsuitableError(f"the prompt has {len(prompt)} characters, more than {most}")
    if len(unit["source"]) > max(tasks["max_tokens"] * CHARACTERS_PER_TOKEN, SHORT_ANSWER):
        raise UnsuitableError("the right answer is too long")
    operator = "" if draft.control else mutation.operator
    return Candidate(
        candidate_id=candidate_id(unit, draft.bug, stratum, control=draft.control),
        category=CATEGORY, unit_id=unit["unit_id"], stratum=stratum,
        kind="control" if draft.control else "bug", is_control=draft.control, operator=operator,
        prompt=prompt, reference_answer=_reference(draft, accepted),
        accepted_lines=() if draft.control else accepted, key=_key(draft, shown, hidden),
        proof=_proof(draft),
    )  # fmt: skip


def _proof(draft: Draft) -> dict[str, int]:
    bug = draft.bug
    counts = {"scenarios": len(draft.pool), "tests": len(draft.material.tests)}
    done = {"violated": len(bug.violated), "broken_tests": len(bug.broken)}
    return counts if draft.control else counts | done


def answer(line: int, source: str) -> str:
    """Return an answer that names a line and gives the unit's (perhaps indented) source."""
    margin = source[: len(source) - len(source.lstrip())]
    plain = "".join(text.removeprefix(margin) for text in lines_of(source))
    return f"LINES: {line}\n```python\n{plain.rstrip()}\n```\n"


def _reference(draft: Draft, accepted: tuple[int, ...]) -> str:
    return "LINES: none\n" if draft.control else answer(accepted[0], draft.unit["source"])


def _key(draft: Draft, shown: list[Case], hidden: list[Case]) -> dict[str, object]:
    unit = draft.unit
    code = CodeKey(
        path=unit["path"], text=None, name=unit["qualname"].rpartition(".")[2],
        first=unit["start_line"], last=unit["end_line"], def_line=unit["def_line"],
        body_line=unit["body_start_line"], body_only=False,
        hidden=tuple(case.hidden() for case in hidden),
        tests=_bugs.oracle_tests(draft.material, draft.bug, MOST_TESTS),
        shown=tuple(case.scenario_id for case in shown),
    )  # fmt: skip
    return {
        "code": code_key_json(code), "head": _variants.head_of(unit).plain,
        "source": draft.source, "deletes": not draft.control and draft.bug.mutation.deletes,
    }  # fmt: skip


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
    return _bugs.shown_cases(visible, intact, count, MOST_VIOLATED[stratum])


def _attributes(draft: Draft) -> list[str]:
    """Return the public attributes to show: those that vary, in the right code or by the bug."""
    seen = [draft.bug.seen.get(case.scenario_id) for case in draft.pool]
    return _describe.varying([*(case.expected for case in draft.pool), *(s for s in seen if s)])


def _text(case: Case, attributes: Sequence[str]) -> str:
    return _describe.scenario(case.data, case.expected, attributes)


def _prompt(draft: Draft, stratum: str, shown: Sequence[Case]) -> str:
    unit, hard, attributes = draft.unit, stratum == "hard", _attributes(draft)
    lines = [f">>> {line}" for line in _describe.imports(case.data for case in shown)]
    examples = [_text(case, attributes) for case in shown]
    beside = _excerpt.companions(draft.material) if stratum == "standard" else []
    return _prompts.fill(
        _prompts.template(CATEGORY, draft.material.settings),
        {
            "kind": unit["kind"], "package": unit["module"].partition(".")[0],
            "path": unit["path"], "unit": "" if hard else unit["qualname"],
            "excerpt": "yes" if hard else "", "listing": _listing(draft, stratum),
            "collaborators": "\n\n".join(_excerpt.shown_source(row) for row in beside),
            "examples": "\n".join(lines) + "\n\n" + "\n\n".join(examples),
        },
    )  # fmt: skip


def _listing(draft: Draft, stratum: str) -> str:
    unit = draft.unit
    if stratum != "hard":
        return _excerpt.numbered(lines_of(draft.source), unit["start_line"])
    text = draft.material.bench.read(unit["path"])
    changed = _variants.file_with(unit, text, draft.source)
    last = unit["start_line"] + len(lines_of(draft.source)) - 1
    seed = (draft.material.seed, unit["unit_id"])
    start, end = _excerpt.window(changed, unit["start_line"], last, *seed)
    return _excerpt.numbered(lines_of(changed)[start - 1 : end], start)
