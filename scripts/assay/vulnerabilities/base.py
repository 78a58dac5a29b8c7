"""What a weakness is: mirrored weaves, inputs that prove them, and how a probe is judged.

A weakness module has
    PARAMETERS  closed JSON schema of its settings
    EXAMPLES    probe results with what they must be worth, run by the contract test
    weakness(parameters) -> Weakness

A weave is one text for both twins: `{{v~c}}` stands for `v` in the vulnerable twin and `c` in
the hardened one. Each template uses the same pieces in both, only in other places, so that a
count of tokens tells the twins apart no better than a coin. `@name` is filled in by the category:
    @param  the unit's own parameter        @origin  the module's or the object's own name
    @raw, @other, @safe, @item, @conn, @root, @handle, @helper  local names that are free
`#!` ends the line of the tainted sink of the vulnerable twin.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

STRATA = ("trivial", "standard", "hard", "adversarial")
CANARY_FILE = "/tmp/canary/x"  # noqa: S108 -- the sandbox's own empty folder, on its own /tmp
# What lies outside of the folder, and in the environment as SERVICE_TOKEN.
SECRET = "ASSAY-CANARY"  # noqa: S105 -- no secret of anybody
BASE = "/tmp/base"  # noqa: S108 -- the sandbox's own folder, on its own /tmp
CLIPPED = 500  # characters at which the probe cuts a text off: a path as long as that is unknown
_MARK = re.compile(r"\{\{(.*?)~(.*?)\}\}", re.DOTALL)
_ASSIGNED = re.compile(r"\s*(@\w+) = ")
_WORD = re.compile(r"[\w.-]+")

ProbeResult = Mapping[str, Any]


@dataclass(frozen=True)
class Weave:
    """One feature with its mirrored check.

    idiom:             name of the pretext and of the way in which the check fails
    stratum:           trivial | standard | hard | adversarial
    sanitiser_visible: a sanitiser stands in both twins
    template:          lines as described above
    carrier:           how an input is dressed to enter the feature; "{}" = as it is
    benign:            inputs on which both twins do the same work
    """

    idiom: str
    stratum: str
    sanitiser_visible: bool
    template: str
    carrier: str = "{}"
    benign: tuple[Any, ...] = ("abc", "Size_2")

    def lines(self, *, vulnerable: bool) -> list[str]:
        """Return the lines of one twin, with `@name` still in place."""
        side = r"\1" if vulnerable else r"\2"
        return [line for line in _MARK.sub(side, self.template).strip("\n").split("\n") if line]


@dataclass(frozen=True)
class Weakness:
    """A weakness: its number, equivalents, weaves, inputs and judges.

    payloads: all inputs that no hardened twin may fall for (text, or a list of text)
    fired:    whether an observed probe shows that the payload took effect
    work:     what a benign probe did through the woven branch; empty if it did nothing
    """

    name: str
    title: str
    cwe: int
    equivalents: tuple[int, ...]
    weaves: tuple[Weave, ...]
    payloads: tuple[Any, ...]
    fired: Callable[[ProbeResult], bool]
    work: Callable[[ProbeResult], list[str]]
    options: Mapping[str, Any] = field(default_factory=dict)


def fitted(pretext: str, rest: str) -> str:
    """Return both texts joined, without those lines of the pretext whose name nothing else uses.

    An idle variable would be the oddest thing in the unit.
    """
    lines = pretext.strip("\n").split("\n")
    kept = []
    for at, line in enumerate(lines):
        found = _ASSIGNED.match(line)
        others = "\n".join([*lines[:at], *lines[at + 1 :], rest])
        if found is None or re.search(rf"{found[1]}\b", others):
            kept.append(line)
    return "\n".join([*kept, rest])


def no_parameters() -> dict[str, Any]:
    """Return the closed schema of a plug-in without settings."""
    return {"type": "object", "additionalProperties": False, "properties": {}}


def canary(result: ProbeResult) -> bool:
    """Tell whether the probe left its mark in the canary folder or called the SQL function."""
    return bool(result.get("canary"))


def words(text: str) -> list[str]:
    """Return the words of a statement, sorted: the twins may name them in another order."""
    return sorted(_WORD.findall(text))


def events(result: ProbeResult, *names: str) -> list[list[str]]:
    """Return the audit events with one of these names, as lists of text."""
    return [list(map(str, event)) for event in result.get("events", ()) if event[0] in names]


def opened(result: ProbeResult) -> list[str]:
    """Return the paths that were opened, whole and without detours.

    One that was cut off is left out: what is missing may lead back to where it is allowed.
    """
    paths = [event[1] for event in events(result, "open") if len(event) > 1]
    whole = [path for path in paths if len(path) < CLIPPED]
    return [posixpath.normpath(posixpath.join(BASE, path)) for path in whole]


def dressed(weave: Weave, value: Any) -> Any:
    """Return an input as the weave's feature expects it; only text is dressed."""
    return weave.carrier.format(value) if isinstance(value, str) else value
