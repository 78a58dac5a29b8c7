"""What an answer says, taken by fixed rules: deterministic, forgiving, and told in words.

Forms: "code" (the unit's code), "lines_and_code" (`LINES: …`, the code of one or more units, and
perhaps `WITNESS: …`), "findings" (`CWE-n LINE m` a line, or `NONE`, and perhaps `EXPLOIT: …`);
each also as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from assay.categories.base import Extraction
from assay.core.errors import HarnessError
from assay.scoring import code, fences, findings, jsonish, lines, marked

Names = Sequence[str]

MOST = 20  # objects of an answer in JSON that are looked at for an exploit


def extract(answer: str, form: str, *names: str) -> Extraction:
    """Return what was taken from an answer, and by which rule; `problem` if it can't be read.

    answer: the response's text, whatever is in it
    form:   "code" | "lines_and_code" | "findings"
    names:  the unit's own name, without its parents; then those of further units to give
    Raises HarnessError for an unknown form, and nothing for any answer.
    """
    if form not in _READERS:
        raise HarnessError(f"unknown form of answers: {form!r}")
    if not answer.strip():
        return Extraction(rule="nothing", problem="the answer is empty")
    if len(answer) > fences.MAX_CHARS:
        problem = f"the answer is longer than {fences.MAX_CHARS} characters"
        return Extraction(rule="nothing", problem=problem)
    parts = fences.split(answer)
    if parts.reasoning_only:
        return Extraction(rule="nothing", problem="the answer ends before its reasoning does")
    return _READERS[form](parts, names)


def _code(parts: fences.Parts, names: Names) -> Extraction:
    name = names[0]
    found = _json_code(parts, name) or code.find(parts, name) or code.body_alone(parts, name)
    if found is None:
        return Extraction(rule="nothing", problem=f"no complete definition of {name}")
    return Extraction(
        code=found.code, helpers=found.helpers, imports=found.imports, rule=found.rule
    )


def _lines_and_code(parts: fences.Parts, names: Names) -> Extraction:
    shown, prose = marked.split(parts, marked.WITNESS)
    # A dict in a witness is no answer in JSON.
    whole = marked.without(parts.whole, marked.WITNESS)
    value = jsonish.find(replace(parts, prose=prose, whole=whole))
    given, stated = jsonish.field(value, "lines", "line")
    as_json = lines.of_json(stated) if given else None
    read = (as_json, "JSON") if as_json is not None else lines.find(replace(parts, prose=prose))
    given, told = jsonish.field(value, "witness")
    shown = told if given and isinstance(told, str) else shown
    found = [_json_code(parts, name) or code.find(parts, name) for name in names]
    if read is None and not any(found):
        problem = f"neither lines nor a complete definition of {' or '.join(names)}"
        return Extraction(rule="nothing", problem=problem)
    rules = [item.rule if item else "not given" for item in found]
    rule = f"lines: {read[1] if read else 'not stated'}; code: {' + '.join(rules)}"
    first, *further = [_taken(item, names) for item in found]
    return replace(
        first, beside=dict(zip(names[1:], further, strict=True)), witness=shown,
        lines=read[0] if read else None, rule=rule,
    )  # fmt: skip


def _taken(found: code.Found | None, names: Names) -> Extraction:
    """Return a unit's code with its helpers, but for those that are asked for themselves."""
    if found is None:
        return Extraction()
    helpers = tuple(item for item in found.helpers if not code.defines(item, names))
    return Extraction(code=found.code, helpers=helpers, imports=found.imports)


def _findings(given_parts: fences.Parts, _names: Names) -> Extraction:
    exploit, prose = marked.split(given_parts, marked.EXPLOIT)
    # What an exploit says is no finding and no answer in JSON.
    whole = marked.without(given_parts.whole, marked.EXPLOIT)
    parts = replace(given_parts, prose=prose, whole=whole)
    value = jsonish.find(parts)
    given, stated = jsonish.field(value, "findings", "vulnerabilities", "issues")
    if not given and (isinstance(value, list) or jsonish.field(value, "cwe", "cwe_id")[0]):
        given, stated = True, value
    told = _json_exploit(value, stated)
    as_json = findings.of_json(stated) if given else None
    read = (as_json, "JSON") if as_json is not None else findings.find(parts)
    if read is None:
        return Extraction(rule="nothing", problem="neither a finding nor NONE")
    return Extraction(
        findings=read[0], exploit=exploit if told is None else told, rule=f"findings: {read[1]}"
    )


def _json_exploit(value: Any, stated: Any) -> str | None:
    """Return the exploit of an answer in JSON, written as on a line of its own, or None.

    It is a field of the answer or of a finding. An object of one field is a parameter and its
    value; a text that is no literal stands for itself.
    """
    beside = [item for part in (value, stated) if isinstance(part, list) for item in part]
    held = [jsonish.field(item, "exploit", "exploit_input") for item in [*beside[:MOST], value]]
    given = [item for known, item in held if known and item is not None]
    if not given or (isinstance(given[-1], str) and marked.is_literal(given[-1])):
        return given[-1] if given else None
    told = given[-1]
    named = isinstance(told, dict) and len(told) == 1
    name, inner = next(iter(told.items())) if named else ("", told)
    try:
        return f"{name} = {inner!r}" if named else repr(inner)
    except RecursionError:
        return "a value that is nested too deeply"


def _json_code(parts: fences.Parts, name: str) -> code.Found | None:
    value = jsonish.find(parts)
    given, text = jsonish.field(value, "code", "fixed_code", "function", "answer", "fix")
    if not given or not isinstance(text, str):
        return None
    found = code.find(fences.split(text), name)
    return replace(found, rule=f"JSON, {found.rule}") if found else None


_READERS: dict[str, Callable[[fences.Parts, Names], Extraction]] = {
    "code": _code,
    "lines_and_code": _lines_and_code,
    "findings": _findings,
}
