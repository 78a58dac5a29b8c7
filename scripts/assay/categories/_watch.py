"""What a unit is given and gives back while a scenario runs at the public entry point.

The unit's file gets a few lines at its end: they wrap the unit and add a function that runs a
scenario and returns the calls as JSON text. So a prompt can show a unit's own inputs and results,
without which examples at the entry point say little about an inner function.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from assay.categories import _describe
from assay.categories._pool import Case
from assay.categories._types import Material
from assay.categories._variants import file_with
from assay.core.execution import Job, Limits, Scenario

MOST_CALLS = 3  # shown for a scenario
LONGEST = 300  # characters of a shown call
ENTRY = "_assay_watch"

# Appended to the unit's file; standard library and what the sandbox mounts.
_CODE = """

def _assay_wrap(unit, calls):
    import functools
    from assay.core.codec import NotEncodableError, encode
    def plain(value, depth=0):
        try:
            return encode(value)
        except NotEncodableError:
            inner = depth < 3 and type(value) in (list, tuple)
            if inner:
                return [type(value).__name__, [plain(item, depth + 1) for item in value]]
            return {"opaque": f"{type(value).__module__}.{type(value).__qualname__}"}
    if isinstance(unit, (staticmethod, classmethod)):
        return type(unit)(_assay_wrap(unit.__func__, calls))
    @functools.wraps(unit)
    def watched(*args, **kwargs):
        named = {name: plain(value) for name, value in kwargs.items()}
        call = {"args": [plain(a) for a in args], "kwargs": named}
        calls.append(call)
        try:
            result = unit(*args, **kwargs)
        except Exception as error:
            call["raised"] = [type(error).__qualname__, str(error)]
            raise
        call["returned"] = plain(result)
        return result
    return watched

_assay_calls = []

def _assay_watch(text):
    import importlib, json
    from assay.testbed.inside.values import Values
    decode = Values().decode
    data = json.loads(text)
    module, _, path = data["entry"].partition(":")
    subject = importlib.import_module(module)
    for name in path.split("."):
        subject = getattr(subject, name)
    del _assay_calls[:]
    try:
        if data["init"] is not None:
            subject = subject(*decode(data["init"][0]), **decode(data["init"][1]))
        for method, args, kwargs in data["calls"]:
            (getattr(subject, method) if method else subject)(*decode(args), **decode(kwargs))
        for name in data["observe"] if data["init"] is not None else []:
            getattr(subject, name)
    except Exception:
        pass
    return json.dumps(_assay_calls[:40])

"""


def watched_calls(material: Material, source: str, cases: Sequence[Case]) -> dict[str, list[str]]:
    """Return scenario id -> rendered calls of the unit, such as `f(1, 'a')  # -> None`.

    source: the unit's text that runs. A scenario without a call, or a unit that can't be wrapped
    (a property), has none.
    """
    unit = material.unit
    if any(mark in text for text in unit["decorators"] for mark in ("property", "setter")):
        return {}
    text = file_with(unit, material.bench.read(unit["path"]), source)
    files = {unit["path"]: text + _CODE + _patch(unit["qualname"])}
    scenarios = [_scenario(case, unit["module"]) for case in cases]
    job = Job(files, scenarios, limits=Limits(**material.settings.get("limits", {})))
    seen = material.bench.run([job])[0].observations
    found = {case.scenario_id: _calls(seen.get(case.scenario_id)) for case in cases}
    return {name: _rendered(unit, calls) for name, calls in found.items()}


def _patch(qualname: str) -> str:
    holder, _, name = qualname.rpartition(".")
    if not holder:
        return f"{name} = _assay_wrap({name}, _assay_calls)\n"
    owner = holder.rpartition(".")[2].lstrip("_")
    private = name.startswith("__") and not name.endswith("__")
    name = f"_{owner}{name}" if private else name
    return f'setattr({holder}, "{name}", _assay_wrap(vars({holder})["{name}"], _assay_calls))\n'


def _scenario(case: Case, module: str) -> Scenario:
    call = ["", ["list", [json.dumps(dict(case.data))]], ["dict", []]]
    data = {"entry": f"{module}:{ENTRY}", "init": None, "calls": [call], "observe": []}
    return Scenario(case.scenario_id, data)


def _calls(observation: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    results = (observation or {}).get("calls") or [{}]
    text = results[0].get("returned")
    found: list[dict[str, Any]] = json.loads(text) if isinstance(text, str) else []
    return found


def _rendered(unit: Mapping[str, Any], calls: Sequence[Mapping[str, Any]]) -> list[str]:
    name = unit["qualname"].rpartition(".")[2]
    bound = unit["kind"] == "method" and not any("staticmethod" in d for d in unit["decorators"])
    texts = dict.fromkeys(_text(name, call, bound) for call in calls)
    return [text for text in texts if len(text) <= LONGEST][:MOST_CALLS]


def _text(name: str, call: Mapping[str, Any], bound: bool) -> str:
    wide = 10 * LONGEST
    given = [_describe.value(item, wide) for item in call["args"]][1 if bound else 0 :]
    given += [f"{key}={_describe.value(item, wide)}" for key, item in call["kwargs"].items()]
    head = f"{'self.' if bound else ''}{name}({', '.join(given)})"
    if "raised" in call:
        return f"{head}  # raises {call['raised'][0]}"
    return f"{head}  # -> {_describe.value(call.get('returned'), wide)}"
