"""Installs wheels into an image's root: nothing of the host's Python gets in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

INTERPRETER = "/usr/bin/python3"
SYSTEM = {
    "purelib": "/usr/local/lib/python3.11/dist-packages",
    "platlib": "/usr/local/lib/python3.11/dist-packages",
    "scripts": "/usr/local/bin",
    "headers": "/usr/local/include/python3.11",
    "data": "/usr/local",
}
# One flat folder for PYTHONPATH: all that sandboxed code sees beside the standard library.
TESTBED = {
    "purelib": "/opt/testbed",
    "platlib": "/opt/testbed",
    "scripts": "/opt/testbed/bin",
    "headers": "/opt/testbed/include",
    "data": "/opt/testbed",
}
SCHEMES = {"system": SYSTEM, "testbed": TESTBED}


def install_wheels(files: Iterable[Path], into: str, root: Path) -> None:
    """Install wheels, in the order given, by the scheme `system` or `testbed`.

    No bytecode is written: it would hold the builder's own version.
    """
    for file in files:
        destination = SchemeDictionaryDestination(
            SCHEMES[into], interpreter=INTERPRETER, script_kind="posix",
            bytecode_optimization_levels=(), destdir=str(root),
        )  # fmt: skip
        with WheelFile.open(file) as source:
            install(source, destination, additional_metadata={"INSTALLER": b"assay\n"})
