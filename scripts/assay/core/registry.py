"""Sorted discovery of plug-ins: a plug-in is a file in its room, named by the file.

There is no list to edit. An import error names the file and is fatal.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from assay.core.errors import HarnessError, UserError

RESERVED = frozenset({"base"})


def names(room: str) -> list[str]:
    """Return the sorted plug-in names of a room such as `operators`."""
    package = importlib.import_module(f"assay.{room}")
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name for name in found if name not in RESERVED and not name.startswith("_"))


def load(room: str, name: str) -> ModuleType:
    """Import one plug-in.

    Raises UserError for an unknown name, HarnessError if the file can't be imported.
    """
    known = names(room)
    if name not in known:
        raise UserError(
            f"unknown plug-in in {room}", given=name, expected=" | ".join(known),
            hint=f"a plug-in is a file scripts/assay/{room}/<name>.py",
        )  # fmt: skip
    try:
        return importlib.import_module(f"assay.{room}.{name}")
    except ImportError as error:
        raise HarnessError(f"scripts/assay/{room}/{name}.py can't be imported: {error}") from error


def discover(room: str) -> dict[str, ModuleType]:
    """Import every plug-in of a room, in sorted order of their names."""
    return {name: load(room, name) for name in names(room)}
