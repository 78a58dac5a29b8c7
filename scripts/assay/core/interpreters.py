"""The two Pythons of a docker image: ours, in a virtual environment, and the engine's."""

from __future__ import annotations

import sys
from pathlib import Path

APART = Path("/usr/lib/assay")  # as assay.images.docker_root makes it


def engines_python() -> str:
    """Return the interpreter that sees the engine's packages: in a docker image it is not ours."""
    if Path(sys.prefix) != APART:
        return sys.executable
    return f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
