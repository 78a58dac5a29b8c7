"""What Apptainer and the steps find in their environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from assay.core.errors import UserError
from assay.images.apptainer import locate, version_of
from assay.images.store import cache_root

FIXED_ENVIRONMENT = {
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "POLARS_MAX_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
CONTROL = Path("/dev/nvidiactl")  # there is a card if this is there


def set_environment(*, cards: bool = False) -> None:
    """Set what Apptainer and the steps find in their environment.

    cards: a model of this run uses one; Apptainer then shows them, and the driver, if there are any
    A variable that is there already is kept, so that `make twice` can vary it.
    """
    for name, value in FIXED_ENVIRONMENT.items():
        os.environ.setdefault(f"APPTAINERENV_{name}", value)
    programs = [str(Path(sys.executable).parent), str(runtime_folder())]
    os.environ["PATH"] = os.pathsep.join([*programs, os.environ["PATH"]])
    os.environ["APPTAINER_BIND"] = f"{cache_root()}:{cache_root()}:ro"
    if cards and CONTROL.exists():
        os.environ["APPTAINER_NV"] = "1"
    os.environ["APPTAINERENV_ASSAY_RUNTIME"] = runtime_version()
    # Steps on the host (fetching, building) see the same fixed values.
    for name, value in FIXED_ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def runtime_folder() -> Path:
    """Return the folder of the `apptainer` to use, or raise UserError if there is none."""
    found = locate(cache_root())
    if not found:
        raise UserError(
            "there is no usable apptainer", expected="apptainer 1.4 or newer",
            hint="`make setup` finds or installs it; `make run` does so by itself",
        )  # fmt: skip
    return found


def runtime_version() -> str:
    """Return the container runtime's name and version, such as "apptainer 1.4.5"."""
    version = version_of(runtime_folder() / "apptainer")
    return "apptainer " + ".".join(map(str, version))
