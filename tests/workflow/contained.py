"""Starts a command in a container as the workflow starts its steps: the same flags and variables.

The flags come from profiles/default, the variables from `assay.workflow.run`; the command line is
that of Snakemake's `deployment.singularity.shellcmd`.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from assay.images.apptainer import locate
from assay.images.names import image_name
from assay.images.store import container_path
from assay.workflow.environment import FIXED_ENVIRONMENT

REPOSITORY = Path(__file__).resolve().parents[2]


def flags() -> list[str]:
    """Return the arguments that every contained step of the workflow gets."""
    profile = yaml.safe_load((REPOSITORY / "profiles/default/config.v9+.yaml").read_text())
    return shlex.split(profile["apptainer-args"])


def command(
    work: Path, place: Path, argv: Sequence[str], further: Sequence[str] = ()
) -> list[str]:  # fmt: skip
    """Return the command line that runs `argv` in the image at `place`, with `work` as its home.

    further: flags beyond those of the workflow
    """
    given = [*flags(), *further, str(place), "bash", "-c", shlex.join(argv)]
    return ["apptainer", "exec", "--home", str(work), *given]


def variables(cache: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment to start it in; `extra` replaces what a step finds in its own."""
    folder = locate(cache)
    if folder is None:
        raise FileNotFoundError("there is no usable apptainer: `make setup` finds or makes one")
    inside = {**FIXED_ENVIRONMENT, **(extra or {})}
    return {
        "PATH": os.pathsep.join([str(folder), os.environ["PATH"]]),
        "HOME": os.environ["HOME"], "APPTAINER_BIND": f"{cache}:{cache}:ro",
        **{f"APPTAINERENV_{name}": value for name, value in inside.items()},
    }  # fmt: skip


def testbed(target: str, cache: Path) -> tuple[str, Path]:
    """Return the name of a target's image, and what Apptainer is to run for it."""
    image = image_name(f"testbed-{target}", REPOSITORY)
    return image, container_path(cache, image)
