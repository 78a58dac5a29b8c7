"""What modules hold, by importing them in the sandbox (standard library only; nothing of assay).

Reads {"target": [module, …], "folders": [folder of packages, …]} from standard input, and writes
one line of JSON for each top-level package to the descriptor of ASSAY_CHANNEL. Each package is
imported in a process of its own, so that one that crashes, hangs or leaves takes nothing with it:
it then has no line, or no module in its line, and counts as not inspected.
"""

from __future__ import annotations

import inspect
import json
import os
import signal
import sys
import types
from importlib import import_module
from pathlib import Path
from typing import Any

# Importing these opens a browser, a window, or prints; tests and demos are nobody's interface.
LEFT_OUT = frozenset({
    "antigravity", "this", "idlelib", "tkinter", "turtle", "turtledemo", "test", "tests",
    "__main__", "__pycache__", "site-packages", "dist-packages",
})  # fmt: skip
CPU_S, WALL_S = 60, 240  # of one package; processor time decides, the clock only ends a hang
HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a `class` statement, or much like it
SEEN: set[type] = set()  # classes that are noted already, in the process of one package
CALLABLES = (
    types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType,
    types.ClassMethodDescriptorType, types.WrapperDescriptorType,
)  # fmt: skip


def main() -> None:
    """Inspect all packages, one after the other."""
    channel = int(os.environ.pop("ASSAY_CHANNEL"))
    asked = json.load(sys.stdin)
    standard = str(Path(os.__file__).parent)
    found = {("target", name) for name in asked["target"]}
    found |= {("standard_library", name) for name in sys.builtin_module_names}
    for folder in (standard, f"{standard}/lib-dynload"):
        found |= {("standard_library", name) for name in listed(folder)}
    for folder in asked["folders"]:
        found |= {("requirement", name) for name in listed(folder)}
    groups: dict[tuple[str, str], list[str]] = {}
    for origin, name in sorted(found):
        groups.setdefault((origin, name.partition(".")[0]), []).append(name)
    everything = {name for _, name in found}
    for (origin, package), names in sorted(groups.items()):
        apart(channel, {"origin": origin, "package": package, "all": everything}, names)


def listed(folder: str) -> list[str]:
    """Return the dotted names of the modules in a folder of packages."""
    names = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f.isidentifier() and f not in LEFT_OUT)
        package = list(Path(place).relative_to(folder).parts)
        for file in sorted(files):
            stem, _, suffix = file.partition(".")
            compiled = suffix.endswith("so")
            if (suffix == "py" or compiled) and stem.isidentifier() and stem not in LEFT_OUT:
                parts = package if stem == "__init__" else [*package, stem]
                names += [".".join(parts)] if parts else []
    return names


def apart(channel: int, head: dict[str, Any], names: list[str]) -> None:
    """Inspect the modules of one package in a forked process."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    signal.setitimer(signal.ITIMER_PROF, CPU_S)
    signal.alarm(WALL_S)
    everything = head.pop("all")
    line = {**head, "modules": {}, "classes": {}, "open": [], "loaded": []}
    for name in names:
        try:
            module = import_module(name)
        except BaseException:  # noqa: BLE001, S112 - whatever it raises, it is not inspected
            continue
        line["modules"][name] = members_of(module, line["classes"])
        if type(module) is not types.ModuleType or "__getattr__" in vars(module):
            line["open"].append(name)
    # What came along from places that are not listed: vendored packages, finders, lazy modules.
    line["loaded"] = sorted(
        name for name, module in list(sys.modules.items())
        if name not in everything and type(module) is types.ModuleType and module.__name__ == name
    )  # fmt: skip
    data = (json.dumps(line, sort_keys=True) + "\n").encode("ascii")
    while data:
        data = data[os.write(channel, data) :]
    os._exit(0)


def members_of(holder: Any, classes: dict[str, Any]) -> dict[str, Any]:
    """Return name -> [kind, what it refers to or its keywords] of a module's or class's own."""
    found = {}
    names = {*safe(lambda: dir(holder), []), *safe(lambda: vars(holder), {})}
    for name in sorted(map(str, names)):
        value = safe(lambda name=name: inspect.getattr_static(holder, name), None)
        found[name] = described(value, classes)
    return found


def described(value: Any, classes: dict[str, Any]) -> list[Any]:
    """Return [kind, reference or keywords]: of a module, class, function, or anything else."""
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    if isinstance(value, types.ModuleType):
        return ["module", str(value.__name__)]
    if isinstance(value, type):
        return ["class", taken(value, classes)]
    if isinstance(value, CALLABLES):
        return ["function", keywords(value)]
    return ["attribute", None]


def taken(kind: type, classes: dict[str, Any]) -> str:
    """Note a class with all that it inherits from, once; return its identity."""
    name = identity(kind)
    if kind in SEEN:
        return name
    SEEN.add(kind)
    own: dict[str, Any] = {}
    bases = list(mro(kind))
    inherited = {each for base in bases[1:] for each in vars(base)}
    known = {*map(str, vars(kind)), *map(str, safe(lambda: kind.__annotations__, {}))}
    known |= {each for each in map(str, safe(lambda: dir(kind), [])) if each not in inherited}
    values = vars(kind)
    own["names"] = {each: described(values.get(each), classes) for each in sorted(known)}
    own["bases"] = [taken(base, classes) for base in bases[1:]]
    own["metaclass"] = taken(type(kind), classes)
    own["open"] = is_open(kind) or type(kind).__getattribute__ is not type.__getattribute__
    # Instances hold what the text of the class's own methods sets on them; C says all by itself.
    own["textual"] = bool(kind.__flags__ & HEAP and kind.__dictoffset__) and any(
        isinstance(getattr(value, "__func__", getattr(value, "fget", value)), types.FunctionType)
        for value in values.values()
    )
    own["factory"] = is_factory(kind)
    own["keywords"] = keywords(kind)
    other = classes.setdefault(name, own)
    if other is not own:  # such as a named tuple and the class of the same name made from it
        other["names"] = {**other["names"], **own["names"]}
        other["open"], other["keywords"] = True, None
    return name


def identity(kind: type) -> str:
    """Return "module:qualified name"."""
    return f"{kind.__module__}:{kind.__qualname__}"


def mro(kind: type) -> tuple[type, ...]:
    """Return the classes that a class inherits from, itself first; `kind.mro` may be its own."""
    found: tuple[type, ...] = type.__dict__["__mro__"].__get__(kind)
    return found


def is_open(kind: type) -> bool:
    """Tell whether instances, or the class, answer to names that are nowhere written."""
    return any("__getattr__" in vars(base) for base in (*mro(kind), *mro(type(kind)))) or any(
        isinstance(vars(base).get("__getattribute__"), types.FunctionType) for base in mro(kind)
    )


def is_factory(kind: type) -> bool:
    """Tell whether calling the class may give something else than an instance of it."""
    made = inspect.getattr_static(kind, "__new__", None)
    made = getattr(made, "__func__", made)
    return isinstance(made, types.FunctionType) or "__call__" in {
        name for meta in mro(type(kind)) if meta not in {type, object} for name in vars(meta)
    }


def keywords(function: Any) -> list[str] | None:
    """Return what may be passed by keyword, "**" for anything; None where nothing says so."""
    try:
        given = inspect.signature(function, follow_wrapped=False).parameters.values()
    except BaseException:  # noqa: BLE001 - a signature is whatever the object says it is
        return None
    named = [one.name for one in given if one.kind in {one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY}]
    return named + ["**" for one in given if one.kind == one.VAR_KEYWORD]


def safe(get: Any, otherwise: Any) -> Any:
    """Return what a foreign object gives, or something else if it raises."""
    try:
        return get()
    except BaseException:  # noqa: BLE001 - foreign code may raise anything
        return otherwise


if __name__ == "__main__":
    main()
