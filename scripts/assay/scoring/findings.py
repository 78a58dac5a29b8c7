"""Findings that an answer states: `CWE-89 LINE 12` a line, or `NONE`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from assay.scoring import lines
from assay.scoring.fences import Parts

MAX_FINDINGS = 200
_CWE = r"cwe[-_ :#]{0,3}0{0,4}(\d{1,5})\b"
_PLACE = (
    r"\b(?:at[ \t])?l(?:ines?)?[ \t]{0,3}(?:no\.?|number)?[ \t:#=*_`(\[]{0,4}(\d[\d \t,&–-]{0,40})"  # noqa: RUF001 - models write this dash
)
_FORWARD = re.compile(rf"(?i){_CWE}([^\n]{{0,200}}?){_PLACE}")
_BACKWARD = re.compile(rf"(?i){_PLACE}[^\n]{{0,80}}?{_CWE}")
_STRICT = re.compile(rf"(?i)[\W_\d]{{0,8}}{_CWE}[^\n]{{0,80}}?{_PLACE}")
_NONE = re.compile(r"(?i)[\W_]{0,8}(?:findings?\W{1,4})?none[\W_]{0,8}$")
_WORDS = re.compile(
    r"(?im)^[\W_]{0,8}(?:there (?:are|is) )?no (?:\w{1,15} ){0,3}"
    r"(?:vulnerabilit(?:y|ies)|weakness(?:es)?|findings?|issues?|injection vectors?)"
    r"(?: (?:were |was )?(?:found|detected|present|here|identified))?[\W_]{0,8}$"
)

Pair = tuple[int, int]
Stated = tuple[tuple[Pair, ...], str]


def find(parts: Parts) -> Stated | None:
    """Return (findings, rule); () for an explicit NONE; None if the answer states nothing."""
    strict = _strict(parts.whole)
    if strict is not None:
        return strict, "lines" if strict else "NONE"
    loose = tidy(pair for line in parts.whole.split("\n") for pair in _loose(line))
    if loose:
        return loose, "in prose"
    return ((), "none in words") if _WORDS.search(parts.whole) else None


def of_json(value: Any) -> tuple[Pair, ...] | None:
    """Return the findings of a JSON value: a list of {"cwe": …, "line": …}, or texts, or null."""
    if value is None or (isinstance(value, str) and _NONE.match(value)):
        return ()
    items = value if isinstance(value, list) else [value]
    pairs: list[Pair] = []
    for item in items[:MAX_FINDINGS]:
        found = tidy(_loose(item)) if isinstance(item, str) else _record(item)
        if not found:
            return None
        pairs.extend(found)
    return tidy(pairs)


def tidy(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """Return each finding once, in the order of the answer; no more are looked at than kept."""
    found: dict[Pair, None] = {}
    for pair in pairs:
        found[pair] = None
        if len(found) == MAX_FINDINGS:
            break
    return tuple(found)


def _strict(text: str) -> tuple[Pair, ...] | None:
    """Read lines that begin as asked; the last NONE takes back what stood before it."""
    stated: list[tuple[str, str]] | None = None
    for line in text.split("\n"):
        found = _STRICT.match(line)
        if found:
            stated = stated or []
            stated.append((found[1], found[2]))
        elif _NONE.match(line):
            stated = []
    if stated is None:
        return None
    return tidy(pair for cwe, places in stated for pair in _pairs(cwe, places))


def _loose(line: str) -> Iterator[Pair]:
    found = False
    for match in _FORWARD.finditer(line):
        for pair in _pairs(match[1], match[3]):
            found = True
            yield pair
    if not found:
        for match in _BACKWARD.finditer(line):
            yield from _pairs(match[2], match[1])


def _pairs(cwe: str, places: str) -> list[Pair]:
    return [(int(cwe), line) for line in lines.read(places) or ()]


def _record(item: Any) -> list[Pair]:
    if not isinstance(item, dict):
        return []
    fields = {str(name).lower(): value for name, value in item.items()}
    kind = re.search(r"\d{1,5}", str(fields.get("cwe", fields.get("cwe_id", fields.get("id", "")))))
    places = lines.of_json(fields.get("line", fields.get("lines", fields.get("line_number"))))
    return [(int(kind[0]), line) for line in places or ()] if kind else []
