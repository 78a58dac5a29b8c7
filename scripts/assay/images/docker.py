"""Fetches and unpacks a docker image by Apptainer, and drops or copies parts of what came out.

Apptainer checks each layer's digest and applies the layers, deletions included. What it adds to a
root holds a date and its version, and goes; times, owners and modes are made even where every
image's are.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from assay.core.airgap import require_network
from assay.core.errors import UserError
from assay.core.progress import say
from assay.images.apptainer import locate

# What Apptainer puts into a root that it unpacks.
ADDED = (".exec", ".run", ".shell", ".singularity.d", ".test", "environment", "singularity")
# Of the settings of Apptainer in the environment: how to get at a registry, nothing of containers.
KEPT = ("APPTAINER_AUTHFILE", "APPTAINER_DOCKER_PASSWORD", "APPTAINER_DOCKER_USERNAME",
        "APPTAINER_NOHTTPS")  # fmt: skip
DROPPED = ("APPTAINER", "SINGULARITY")
TAIL = 1500


def unpack(cache: Path, docker: Mapping[str, Any], folder: Path) -> None:
    """Put the files of a lock's docker image into `folder`, which must not exist.

    docker: `image`, a name with a tag that is only shown, and `digest`, what is fetched
    Raises UserError without Apptainer or network, or if Apptainer can't fetch it as pinned.
    """
    source = source_of(docker)
    require_network(f"the docker image {source}")
    found = locate(cache)
    if not found:
        raise UserError(
            "a docker image is unpacked by Apptainer, and there is none here", where=source,
            expected="apptainer 1.4 or newer", hint="`make setup` finds or installs it",
        )  # fmt: skip
    say(f"{docker['image']}: fetching and unpacking {docker['digest']} ({docker['size']} bytes)")
    command = [str(found / "apptainer"), "build", "--fix-perms", "--sandbox", str(folder), source]
    done = subprocess.run(
        command, env=_environment(cache, folder.parent), check=False, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode or not folder.is_dir():
        raise UserError(
            "Apptainer can't fetch or unpack the docker image", where=source,
            given=done.stdout[-TAIL:].strip(),
            hint="check the network; if the registry has dropped the digest or gives other bytes, "
            "take the image from a bundle or another machine's cache, or run `make relock ENGINE=…`"
            " (the image changes); for a registry without TLS set APPTAINER_NOHTTPS=1",
        )  # fmt: skip
    _clean(folder)


def source_of(docker: Mapping[str, Any]) -> str:
    """Return the address that Apptainer is given: the name without its tag, and the digest."""
    return f"docker://{docker['image'].rpartition(':')[0]}@{docker['digest']}"


def registry_settings() -> dict[str, str]:
    """Return the part of the environment that says how to get at a registry."""
    return {
        name: value for name, value in os.environ.items()
        if name in KEPT or name.lower().endswith("_proxy")
    }  # fmt: skip


def take(source: Path, names: Iterable[str], root: Path) -> None:
    """Copy the named files and folders of the root `source` to the same places below `root`.

    Raises UserError if one is not there, or lies outside of `source` by way of a link.
    """
    for name in sorted(names):
        path, place = source / name, root / name
        if not os.path.lexists(path) or not _is_within(path.parent, source):
            raise UserError(
                "the docker image does not hold what the recipe takes from it", where=name,
                expected="a path in the image that no link leads out of",
                hint="look at the image's folders, and mend `docker.take`",
            )  # fmt: skip
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, place, symlinks=True, copy_function=_copied, dirs_exist_ok=True)
        else:
            place.unlink(missing_ok=True)
            _copied(path, place)


def _copied(source: str | Path, target: str | Path) -> None:
    shutil.copy(source, target, follow_symlinks=False)


def _is_within(folder: Path, root: Path) -> bool:
    return folder.resolve().is_relative_to(root.resolve())


def _clean(root: Path) -> None:
    """Drop what Apptainer has added and devices; raise UserError for other special files.

    Only root can make devices; for others Apptainer makes empty files in their place.
    """
    for name in ADDED:
        _remove(root / name)
    _remove(root / "dev")
    (root / "dev").mkdir()
    for path in root.rglob("*"):
        kind = stat.S_IFMT(path.lstat().st_mode)
        if kind not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
            raise UserError(
                "the docker image holds a device, pipe or socket outside of /dev",
                where=path.relative_to(root), hint="take single paths of it by `docker.take`",
            )  # fmt: skip


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _environment(cache: Path, scratch: Path) -> dict[str, str]:
    """Return the environment for Apptainer: downloads go to the cache, its work to `scratch`."""
    downloads = cache / "docker"
    downloads.mkdir(parents=True, exist_ok=True)
    kept = {
        name: value for name, value in os.environ.items()
        if name in KEPT or not name.startswith(DROPPED)
    }  # fmt: skip
    return {**kept, "APPTAINER_CACHEDIR": str(downloads), "APPTAINER_TMPDIR": str(scratch)}
