"""Bytecode that is made once, in a sandbox, and shown to the other sandboxes of a session."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

from assay.core.errors import HarnessError
from assay.core.execution import RAN, Limits
from assay.sandbox.launch import run
from assay.sandbox.view import View

PLACE = "/bytecode"
LIMITS = Limits(cpu_s=120, wall_s=300, tmp_mb=4096)  # room for any tree


def made(
    owner: object, argv: Sequence[str], view: View, given: bytes, over: Path | None = None
) -> Path:  # fmt: skip
    """Return a folder with the bytecode that a program writes; it lives as long as `owner`.

    over: folder whose content is in it already
    Raises HarnessError if the program does not end well.
    """
    folder = tempfile.TemporaryDirectory(prefix="assay-bytecode-")
    weakref.finalize(owner, folder.cleanup)
    place = Path(folder.name)
    place.chmod(0o755)
    if over is not None:
        shutil.copytree(over, place, dirs_exist_ok=True)
    view = dataclasses.replace(
        view, writable=((place, PLACE),),
        environment={
            **view.environment, "PYTHONPYCACHEPREFIX": PLACE, "PYTHONDONTWRITEBYTECODE": "",
        },
    )  # fmt: skip
    outcome = run(argv, view, LIMITS, given)
    if outcome.kind != RAN:
        errors = outcome.streams.get("stderr", b"").decode("utf-8", "replace")[-2000:]
        raise HarnessError(f"the testbed does not start: {outcome.detail}\n{errors}")
    return place
