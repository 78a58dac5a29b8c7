"""Gate 6: what a prompt must not hold."""

from __future__ import annotations

import re

from assay.categories.base import Candidate

TELLING = 24  # characters of a line that is not there by chance
MOST_OVERLAP_PERCENT = 50  # of the right answer's long lines, where the answer is a whole body


def leak(candidate: Candidate) -> str:
    """Return what the prompt gives away of the key, or an empty text."""
    prompt = candidate.prompt
    code = candidate.key.get("code", {})
    names = [candidate.candidate_id, *(item["scenario_id"] for item in code.get("hidden", ()))]
    names += [test.rpartition("::")[2] for test in code.get("tests", ())]
    told = [name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", prompt)]
    if told:
        return f"the prompt names {told[0]}"
    if "_" in candidate.operator and candidate.operator in prompt:
        return f"the prompt names the operator {candidate.operator}"
    if candidate.kind == "bug":
        return _fixed_line(candidate)
    return _body(candidate) if candidate.kind in {"original", "counterfactual"} else ""


def _fixed_line(candidate: Candidate) -> str:
    shown = {line.partition("| ")[2].strip() for line in candidate.prompt.split("\n")}
    shown |= {line.strip() for line in candidate.prompt.split("\n")}
    sources = [candidate.key["source"], *(it["source"] for it in candidate.key.get("further", ()))]
    given = {line.strip() for source in sources for line in str(source).split("\n")}
    right = {line.strip() for line in candidate.reference_answer.split("\n")}
    fixed = [line for line in sorted(right - given) if len(line) >= TELLING]
    told = [line for line in fixed if line in shown]
    return f"the prompt shows the right line: {told[0]}" if told else ""


def _body(candidate: Candidate) -> str:
    head = {line.strip() for line in str(candidate.key["head"]).split("\n")}
    lines = [line.strip() for line in candidate.reference_answer.split("\n")]
    long = [line for line in lines if len(line) >= TELLING and line not in head]
    shown = {line.strip() for line in candidate.prompt.split("\n")}
    told = [line for line in long if line in shown]
    share = len(told) * 100
    return f"the prompt shows {len(told)} of {len(long)} lines of the answer" if (
        share > MOST_OVERLAP_PERCENT * len(long)
    ) else ""  # fmt: skip
