"""One code_understanding task: its dials, its draft, and the candidate that comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assay.categories import _bugs, _comments, _excerpt, _interacting
from assay.categories._generation_dials import CHARACTERS_PER_TOKEN, SHORT_ANSWER
from assay.categories._pool import Case
from assay.categories._types import Candidate, Material, Row
from assay.core.seeds import digest, fraction
from assay.core.splice import lines_of

CATEGORY = "code_understanding"
ADVERSARIAL = "adversarial"
EXCERPTS = frozenset({"hard", ADVERSARIAL})  # strata that show excerpts and ask for a witness
SHOWN_CHARACTERS = {"trivial": 800, "standard": 900, "hard": 1500, "adversarial": 1500}
MOST_VIOLATED = {"trivial": 3, "standard": 2, "hard": 1, "adversarial": 2}  # shown scenarios
PROMPT_FACTOR = {"trivial": 1, "standard": 1, "hard": 3, "adversarial": 3}  # prompt_characters
MOST_NAMED = {"trivial": 3, "standard": 3, "hard": 3, "adversarial": 4}  # lines of an answer
FEWEST_SCENARIOS, FEWEST_MUTANTS = 4, 3  # of a unit
TRIVIAL_LINES, TRIVIAL_COMPLEXITY = 40, 8
WEIGHT = {"trivial": 1, "standard": 1, "hard": 1, "adversarial": 3}  # times the mix's share
MOST_HIDDEN = 16  # scenarios of the key: they are chosen for what they tell apart
MOST_TESTS = 24  # tests of the key
MOST_ACCEPTED = 3  # lines of a bug's place; more of them are no clear place


class UnsuitableError(ValueError):
    """This bug makes no task of this stratum; the text says why."""


@dataclass(frozen=True)
class Draft:
    """A task before it is written down.

    material: of the unit as it is shown (at adversarial its source may be a transformed one)
    bug:      what the prompt shows, or, for a control, what only guides the choice of scenarios
    others:   the unit's other mutants, which the oracle has to tell from the right code
    pool:     the cases that all mutants ran over
    extra:    further cases, which tell mutants that the pool does not tell: hidden ones only
    control:  the prompt shows the right code
    beside:   a function whose excerpt is shown, too (the one that holds the second mutation)
    comments: misleading ones, by line of the unit's source
    facts:    counts for the proof
    """

    material: Material
    bug: _bugs.Bug
    others: Sequence[_bugs.Bug]
    pool: Sequence[Case]
    extra: Sequence[Case]
    control: bool
    beside: Row | None = None
    comments: _comments.Comments = ()
    facts: Mapping[str, int] = field(default_factory=dict)

    @property
    def unit(self) -> Row:
        """Return the unit's row."""
        return self.material.unit

    @property
    def units(self) -> list[Row]:
        """Return the functions that the bug is in."""
        return [fault.unit for fault in self.bug.faults]

    def source(self, unit: Row, bug: _bugs.Bug | None) -> str:
        """Return a function's source with a bug or right, commented as the prompt's is."""
        faults = bug.faults if bug else ()
        made = {fault.unit["unit_id"]: fault.mutation.source for fault in faults}
        own = unit["unit_id"] == self.unit["unit_id"]
        text = made.get(unit["unit_id"], str(unit["source"]))
        return _comments.commented(text, self.comments if own else ())

    def right(self, unit: Row) -> str:
        """Return a function's right source."""
        return self.source(unit, None)

    def shown(self, unit: Row) -> str:
        """Return a function's source as the prompt shows it."""
        return self.source(unit, None if self.control else self.bug)

    def files(self) -> dict[str, str]:
        """Return the texts of the files that the prompt shows, by path."""
        rows = [*self.units, *([self.beside] if self.beside else [])]
        each = {row["unit_id"]: row for row in rows}
        changes = [(row, self.shown(row)) for row in each.values()]
        return _bugs.changed_files(self.material, changes)

    def layout(self) -> _excerpt.Layout:
        """Return the excerpts that the prompt shows at the higher strata."""
        first = _as_shown(self.unit, self.shown(self.unit))
        seed = (self.material.seed, self.unit["unit_id"])
        return _excerpt.layout(self.files(), first, self.beside, *seed)


def _as_shown(unit: Row, source: str) -> Row:
    return {**unit, "end_line": unit["start_line"] + len(lines_of(source)) - 1}


def unsuitable(material: Material, scenarios: int) -> str:
    """Return why no task can be about the unit, or an empty text."""
    unit = material.unit
    if unit["kind"] not in {"function", "method"}:
        return f"a {unit['kind']} is no unit of this category"
    if unit["body_start_line"] <= unit["def_line"]:
        return "the body begins on the line of its def"
    if not material.mutants(unit) or len(material.spoilt(unit)) < FEWEST_MUTANTS:
        return "too few mutants: there is too little in it to go wrong"
    return "fewer than four scenarios reach it" if scenarios < FEWEST_SCENARIOS else ""


def strata(material: Material) -> list[str]:
    """Return the strata that the unit can serve, in an order drawn by the config's mix."""
    unit, mix = material.unit, material.settings["tasks"]["strata"]
    small = unit["lines"] <= TRIVIAL_LINES and unit["complexity"] <= TRIVIAL_COMPLEXITY
    long = len(lines_of(material.bench.read(unit["path"]))) >= _excerpt.FEWEST_LINES
    possible = {
        "trivial": small, "standard": bool(_excerpt.companions(material)), "hard": long,
        ADVERSARIAL: long,
    }  # fmt: skip
    weights = {name: mix.get(name, 0) * WEIGHT[name] for name, fits in possible.items() if fits}

    def draw(name: str) -> float:
        return -float(fraction(material.seed, unit["unit_id"], name) ** (1 / weights[name]))

    return sorted((name for name, weight in weights.items() if weight), key=draw)


def candidate_id(unit: Row, bug: _bugs.Bug, stratum: str, *, control: bool) -> str:
    """Return the identity of a candidate."""
    what = f"{'control:' if control else ''}{bug.operator}:{bug.site}"
    return f"{CATEGORY}:{unit['unit_id']}:{stratum}:{what}"


def longest_prompt(material: Material, stratum: str) -> int:
    """Return the characters of a stratum's longest prompt."""
    return int(material.settings["tasks"]["prompt_characters"]) * PROMPT_FACTOR[stratum]


def candidate(draft: Draft, stratum: str, prompt: str, key: dict[str, object]) -> Candidate:
    """Return the candidate that awaits the gates; raise UnsuitableError if it is too long."""
    tasks, unit = draft.material.settings["tasks"], draft.unit
    most = longest_prompt(draft.material, stratum)
    if len(prompt) > most:
        raise UnsuitableError(f"the prompt has {len(prompt)} characters, more than {most}")
    size = sum(len(draft.right(row)) for row in draft.units)
    if size > max(tasks["max_tokens"] * CHARACTERS_PER_TOKEN, SHORT_ANSWER):
        raise UnsuitableError("the right answer is too long")
    name = candidate_id(unit, draft.bug, stratum, control=draft.control)
    drawn = fraction(draft.material.seed, unit["unit_id"], "steering") * 100
    paired = drawn < tasks.get("steering_percent", 0)
    accepted: list[tuple[int, ...]] = [] if draft.control else key["groups"]  # type: ignore[assignment]
    return Candidate(
        candidate_id=name, category=CATEGORY, unit_id=unit["unit_id"], stratum=stratum,
        kind="control" if draft.control else "bug", is_control=draft.control,
        operator="" if draft.control else draft.bug.operator, prompt=prompt,
        reference_answer=_reference(draft, accepted, key),
        accepted_lines=tuple(sorted(line for group in accepted for line in group)),
        key=key | ({"pair": digest(name)[:16], "steered": False} if paired else {}),
        proof=_proof(draft),
    )  # fmt: skip


def _proof(draft: Draft) -> dict[str, int]:
    bug = draft.bug
    counts = {"scenarios": len(draft.pool), "tests": len(draft.material.tests), **draft.facts}
    done = {"violated": len(bug.violated), "broken_tests": len(bug.broken)}
    together = _interacting.counts(bug) if bug.alone else {}
    return counts if draft.control else counts | done | together


def answer(lines: Sequence[int], sources: Sequence[str], witness: str = "") -> str:
    """Return an answer that names lines, gives units (perhaps indented), and a witness."""
    parts = [f"LINES: {', '.join(map(str, lines))}"]
    for source in sources:
        margin = source[: len(source) - len(source.lstrip())]
        plain = "".join(text.removeprefix(margin) for text in lines_of(source))
        parts.append(f"```python\n{plain.rstrip()}\n```")
    return "\n".join([*parts, *([f"WITNESS: {witness}"] if witness else [])]) + "\n"


def _reference(
    draft: Draft, accepted: Sequence[tuple[int, ...]], key: Mapping[str, object]
) -> str:  # fmt: skip
    if draft.control:
        return "LINES: none\n"
    sources = [draft.right(row) for row in draft.units]
    return answer([group[0] for group in accepted], sources, str(key.get("told_witness") or ""))
