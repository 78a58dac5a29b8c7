"""Witnesses: one use of the package on which the buggy code and the right code differ.

A witness is one expression: a public entry point that the key knows, called with literals, such as
`Validator({'a': {'min': 1}}).validate({'a': 0})` (builtin types such as `int` count as literals),
and with objects of the target that its recorded uses hold, such as `Schema(Range(min=1))(0)`, by
their own names, with their modules, or as the prompt calls them. It is parsed here, never
evaluated; what runs in the sandbox is the scenario that it spells, over the right files and the
buggy ones, under two hash seeds each.
"""

from __future__ import annotations

import ast
import json
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assay.categories import _describe
from assay.categories._literals import aliases, renamed
from assay.categories._reading import arguments
from assay.categories._types import Material, Options
from assay.core.codec import names
from assay.core.errors import HarnessError
from assay.core.execution import HARNESS_ERROR, RAN, Bench, Job, Scenario
from assay.core.files import canonical_json
from assay.core.seeds import digest

MAX_CHARS = 8_000
ONE_LINE = 10**9
HASH_SEEDS = (0, 1)

Data = Mapping[str, Any]
Files = Mapping[str, str]


class WitnessError(ValueError):
    """The text is no witness; the message says why."""


def wanted(material: Material, shown: Iterable[Data]) -> dict[str, Any]:
    """Return the key's part: entries and objects for a witness, and digests of what was shown.

    `called` (only where there are any): objects by the names that only the prompt gives them.
    """
    shown = list(shown)
    entries: dict[str, dict[str, Any]] = {}
    values: set[str] = set()
    for data in (json.loads(row["scenario_json"]) for row in material.scenarios):
        entry = entries.setdefault(
            data["entry"], {"built": data["init"] is not None, "methods": set(), "observe": []}
        )
        entry["methods"] |= {call[0] for call in data["calls"] if spells(call[0])}
        entry["observe"] = sorted({*entry["observe"], *data["observe"]})
        values |= objects(data)
    for entry in entries.values():
        entry["methods"] = sorted(entry["methods"])
    called = _called(shown, values)
    return {
        "entries": entries,
        "values": sorted(values),
        "shown": sorted(identity(data) for data in shown),
        **({"called": called} if called else {}),
    }


def _called(shown: Iterable[Data], values: Iterable[str]) -> dict[str, str]:
    """Return the objects of what is shown by their names there, if these are none of all objects'.

    Of several applications called `app` the prompt calls one `first_app`, or shows one only.
    """
    known = {name for data in shown for name in objects(data)}
    other = aliases(known)
    short = {name: other.get(name, name.partition(":")[2]) for name in sorted(known)}
    alone = Counter(short.values())
    everywhere = Counter(name.partition(":")[2] for name in values)
    return {text: name for name, text in short.items() if alone[text] == 1 != everywhere[text]}


def spells(method: str) -> bool:
    """Say whether a witness may call a method: no special one but `__call__`."""
    return method == "__call__" or not method.startswith("__")


def identity(data: Data) -> str:
    """Return a digest of what a scenario calls."""
    init = data["init"] and _call(data["init"])
    calls = [[call[0], *_call(call[1:])] for call in data["calls"]]
    return digest(canonical_json([data["entry"], init, calls]))


def scenario_of(text: str, key: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scenario data that a witness spells; raise WitnessError if it is none."""
    if len(text) > MAX_CHARS:
        raise WitnessError("the witness is too long")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            node = ast.parse(f"(\n{text}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise WitnessError("the witness is no expression") from error
    if not isinstance(node, ast.Call):
        raise WitnessError("the witness is no call")
    func, outer = node.func, _arguments(node, key)
    entry = _entry(func, key)
    if entry:
        built = key["entries"][entry]["built"]
        return _data(key, entry, outer if built else None, [] if built else [["", *outer]])
    method = func.attr if isinstance(func, ast.Attribute) else "__call__"
    inner = func.value if isinstance(func, ast.Attribute) else func
    entry = _entry(inner.func, key) if isinstance(inner, ast.Call) else ""
    if not entry or not isinstance(inner, ast.Call) or not key["entries"][entry]["built"]:
        raise WitnessError("the witness does not begin at a public entry point")
    if method not in key["entries"][entry]["methods"]:
        raise WitnessError(f"the witness calls an unknown method: {method}")
    return _data(key, entry, _arguments(inner, key), [[method, *outer]])


def expression(data: Data, key: Mapping[str, Any]) -> str | None:
    """Return a scenario as a witness on one line, or None if none can spell it."""
    ends = Counter(name.partition(":")[2] for name in key.get("values", ()))
    alike = [name for name in key.get("values", ()) if ends[name.partition(":")[2]] > 1]
    told = renamed(data, {name: name.replace(":", ".") for name in alike})
    name, calls = _describe.entry_name(data), told["calls"]
    head = name if data["init"] is None else f"{name}({_spelled(told['init'])})"
    if len(calls) > 1 or (not calls and data["init"] is None):
        return None
    for method, *given in calls:
        plain = method in {"", "__call__"}
        head = f"{head}({_spelled(given)})" if plain else f"{head}.{method}({_spelled(given)})"
    try:
        same = identity(scenario_of(head, key)) == identity(data)
    except WitnessError:
        return None
    return head if same else None


def shortest(cases: Sequence[Any], key: Mapping[str, Any]) -> str | None:
    """Return the shortest witness among cases that are violated and not shown, or None."""
    texts = [
        expression(case.data, key) for case in cases if identity(case.data) not in key["shown"]
    ]
    return min((text for text in texts if text), key=lambda text: (len(text), text), default=None)


def holds(
    text: str | None, key: Mapping[str, Any], buggy: Files, bench: Bench, options: Options
) -> bool:  # fmt: skip
    """Say whether a witness tells the right code (the unchanged tree) from the buggy files.

    Raises HarnessError if the harness fails.
    """
    if text is None:
        return False
    try:
        data = scenario_of(text, key)
    except WitnessError:
        return False
    if identity(data) in key["shown"]:
        return False
    right = {path: bench.read(path) for path in buggy}
    name = f"witness {identity(data)[:20]}"  # a bench may keep what a scenario of one id showed
    scenario = [Scenario(name, data)]
    jobs = [
        Job(
            files=dict(files), scenarios=scenario, hash_seed=seed, limits=options.limits,
            warm=options.warm,
        )
        for files in (right, buggy) for seed in HASH_SEEDS
    ]  # fmt: skip
    seen = []
    for result in bench.run(jobs):
        if result.outcome == HARNESS_ERROR:
            raise HarnessError(f"the witness could not be run: {result.detail}")
        observed = result.observations.get(name)
        if result.outcome != RAN or observed is None or "crashed" in observed:
            return False
        seen.append(canonical_json(observed))
    return seen[0] == seen[1] and seen[0] not in seen[2:]


def _entry(func: ast.expr, key: Mapping[str, Any]) -> str:
    """Return the entry that an expression names, with or without its module, or an empty text."""
    try:
        return _named(func, key["entries"])
    except (ValueError, RecursionError) as error:  # too deep to be written out again
        raise WitnessError("the witness does not begin at a public entry point") from error


def _arguments(node: ast.Call, key: Mapping[str, Any]) -> list[Any]:
    """Return the encodings [args, kwargs] of a call with literals and objects of the target."""
    try:
        return arguments(node, lambda func: _object(func, key))
    except (ValueError, TypeError, RecursionError, MemoryError, SyntaxError) as error:
        raise WitnessError("an argument of the witness is no literal") from error


def _object(func: ast.expr, key: Mapping[str, Any]) -> str:
    """Return the object of the target that an expression names, or ""."""
    called: Mapping[str, str] = key.get("called", {})
    text = func.id if isinstance(func, ast.Name) else ""
    return called.get(text) or _named(func, key.get("values", ()))


def _named(func: ast.expr, known: Iterable[str]) -> str:
    """Return the one "module:name" that an expression spells, with or without its module, or ""."""
    if not known or not isinstance(func, ast.Name | ast.Attribute):
        return ""
    text = ast.unparse(func)
    found = [full for full in known if text in {full.partition(":")[2], full.replace(":", ".")}]
    return found[0] if len(found) == 1 else ""


def _data(key: Mapping[str, Any], entry: str, init: Any, calls: list[Any]) -> dict[str, Any]:
    observe = list(key["entries"][entry]["observe"]) if init is not None else []
    return {"entry": entry, "init": init, "calls": calls, "observe": observe}


def objects(data: Data) -> set[str]:
    """Return the full names of the target's objects among a scenario's arguments."""
    given = [data["init"] or [[], []], *(call[1:] for call in data["calls"])]
    parts = [part for args, _ in given for part in _describe.positional(args)]
    parts += [part for _, kwargs in given for part in _describe.named(kwargs).values()]
    return {name for part in parts for name in names(part)}


def _call(given: Sequence[Any]) -> list[Any]:
    """Return a call's arguments in one form, whichever way they are held."""
    args, kwargs = given
    return [_describe.positional(args), sorted(_describe.named(kwargs).items())]


def _spelled(given: Sequence[Any]) -> str:
    args, kwargs = _call(given)
    parts = [_describe.value(item, ONE_LINE) for item in args]
    parts += [f"{name}={_describe.value(item, ONE_LINE)}" for name, item in kwargs]
    return ", ".join(parts)
