"""Objects of the target among a scenario's arguments: made from their encodings, and known again.

An object is written down as the call that made it, `["new", [name, args, kwargs]]`, a function or
class as `["name", name]`, where a name is "module:attribute". What such an object holds is never
looked at: it stands for itself in observations.
"""

from __future__ import annotations

import contextlib
import fnmatch
import importlib
import pkgutil
import types
from collections.abc import Sequence
from typing import Any

from assay.core.codec import NotEncodableError, decode, encode


class Values:
    """The objects of one execution, by identity."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[Any, Any]] = {}

    def note(self, value: Any, encoded: Any) -> None:
        """Remember what an object is written as; it is kept alive, so that its id stays its own."""
        self.known[id(value)] = (value, encoded)

    def encoding(self, value: Any) -> Any:
        """Return what an object was noted as, or None."""
        found = self.known.get(id(value))
        return found[1] if found else None

    def decode(self, data: Any) -> Any:
        """Return the value of an encoding, with the objects of the target made anew."""
        return decode(data, self._build)

    def described(self, value: Any, attributes: Sequence[str] = ()) -> Any:
        """Return a value's encoding, or {"opaque": type} where it can't be written down.

        An object that has the named attributes is written as ["object", [type, attributes]].
        """
        try:
            return encode(value, self.encoding)
        except NotEncodableError:
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            seen = {name: getattr(value, name) for name in attributes if hasattr(value, name)}
            inner = self.described(seen) if seen else {}
            return ["object", [kind, inner]] if isinstance(inner, list) else {"opaque": kind}

    def _build(self, kind: str, body: Any) -> Any:
        if kind == "name":
            value = resolve(body)
        else:
            name, args, kwargs = body
            value = resolve(name)(*self.decode(args), **self.decode(kwargs))
        self.note(value, [kind, body])
        return value


def resolve(name: str) -> Any:
    """Return the object that "package.module:attribute.path" names."""
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for attribute in path.split("."):
        found = getattr(found, attribute)
    return found


def expanded(wanted: str) -> list[str]:
    """Return the names that `module:*` or `package.mo*:name` stands for, or the one that it is."""
    module, _, attribute = wanted.partition(":")
    package, _, pattern = module.rpartition(".")
    if "*" in pattern:
        return _below(package, pattern, attribute)
    if attribute != "*":
        return [wanted]
    package = module.partition(".")[0]
    found = vars(importlib.import_module(module))
    return [
        f"{module}:{name}" for name, value in sorted(found.items())
        if not name.startswith("_") and isinstance(value, type | types.FunctionType)
        and value.__module__.partition(".")[0] == package
    ]  # fmt: skip


def _below(package: str, pattern: str, attribute: str) -> list[str]:
    """Return the names of an attribute in a package's modules of that name that can be imported."""
    found = []
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        if not fnmatch.fnmatchcase(module.name.rpartition(".")[2], pattern):
            continue
        with contextlib.suppress(Exception):  # some examples fail at import, and mean to
            if hasattr(importlib.import_module(module.name), attribute):
                found.append(f"{module.name}:{attribute}")
    return sorted(found)
