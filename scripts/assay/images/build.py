"""Builds an image from its lock alone, and puts it into the cache if it is the locked one."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assay.core.errors import AssayError, UserError
from assay.core.files import sha256_file
from assay.core.locks import exclusive
from assay.core.progress import say
from assay.images import docker, docker_root
from assay.images.fetch import fetch_group, fetch_packages
from assay.images.install import install_wheels
from assay.images.names import name_of
from assay.images.pack import pack, unpack_image
from assay.images.root import even_out_modes, finish, lay_out
from assay.images.store import fuse_usable, image_file, image_folder, tree_digest, verify_image
from assay.images.unpack import unpack_packages

Lock = dict[str, Any]
FULL = (errno.ENOSPC, errno.EDQUOT)
LITTLE = 1 << 20  # bytes; a program that failed with less left has failed for want of it


def ensure_image(cache: Path, lock: Lock, *, unpacked: bool | None = None) -> Path:
    """Build the image of a lock unless the cache holds it; return its squashfs file.

    It is unpacked beside the file too where `unpacked` says so, or by default where this user
    can't open /dev/fuse. Raises UserError if what was built is not what the lock promises.
    """
    image = name_of(lock)
    path, folder = image_file(cache, image), image_folder(cache, image)
    wants_folder = not fuse_usable() if unpacked is None else unpacked
    with exclusive(cache / "locks" / f"{image}.lock", image):
        if not path.exists():
            _build_checked(cache, lock, path)
        if wants_folder and not folder.exists():
            _unpack_checked(cache, lock, folder)
        verify_image(cache, image, lock)
    return path


def build_image(cache: Path, lock: Lock, output: Path, scratch: Path) -> None:
    """Write the squashfs file of a lock, working in the empty folder `scratch`."""
    root, taken = scratch / "root", lock.get("docker", {}).get("take")
    if "docker" in lock and not taken:
        _on_docker(cache, lock, root)
    else:
        _on_debian(cache, lock, root)
    if taken:
        docker.unpack(cache, lock["docker"], scratch / "docker")
        docker.take(scratch / "docker", taken, root)
        shutil.rmtree(scratch / "docker")
    say(f"{lock['name']}: compiling and packing")
    if "docker" in lock and not taken:
        docker_root.finish(root, name_of(lock), lock)
    else:
        finish(root, name_of(lock), lock["links"], lock["environment"])
    pack(root, output, builder_tools(cache, lock, scratch))


def _on_debian(cache: Path, lock: Lock, root: Path) -> None:
    root.mkdir()
    lay_out(root)
    say(f"{lock['name']}: unpacking {len(lock['packages'])} packages")
    unpack_packages(fetch_packages(cache, lock["packages"]), root)
    for group in lock["wheels"]:
        say(f"{lock['name']}: installing {len(group['files'])} wheels")
        install_wheels(fetch_group(cache, group), group["into"], root)


def _on_docker(cache: Path, lock: Lock, root: Path) -> None:
    docker.unpack(cache, lock["docker"], root)
    files = [file for group in lock["wheels"] for file in fetch_group(cache, group)]
    say(f"{lock['name']}: installing {len(files)} wheels")
    docker_root.install_apart(files, lock["docker"]["python"], root)


def builder_tools(cache: Path, lock: Lock, scratch: Path) -> Path:
    """Unpack the packages that hold the locked mksquashfs; return their root."""
    tools = scratch / "tools"
    tools.mkdir()
    lay_out(tools)
    unpack_packages(fetch_packages(cache, lock["builder_packages"]), tools)
    return tools


def unpack_evenly(image: Path, folder: Path, tools: Path) -> None:
    """Unpack a squashfs file with the modes of an image, whoever does it.

    An ordinary user's unsquashfs lets the umask take bits away.
    """
    unpack_image(image, folder, tools)
    even_out_modes(folder)


def _build_checked(cache: Path, lock: Lock, path: Path) -> None:
    with _scratch(path, "build") as scratch:
        made = scratch / "image.sqfs"
        build_image(cache, lock, made, scratch)
        found = sha256_file(made)
        if found != lock["result"]["sha256"]:
            raise UserError(
                f"image {lock['name']} did not come out as locked", where=path,
                given=f"sha256 {found}", expected=f"sha256 {lock['result']['sha256']}",
                hint="the builder is not reproducible on this machine: please report it; "
                "`make relock` makes the result of this machine the locked one",
            )  # fmt: skip
        made.chmod(0o644)
        made.replace(path)


def _unpack_checked(cache: Path, lock: Lock, folder: Path) -> None:
    say(f"{lock['name']}: unpacking, since /dev/fuse can't be opened by this user")
    with _scratch(folder, "unpack") as scratch:
        made = scratch / "root"
        source = image_file(cache, name_of(lock))
        unpack_evenly(source, made, builder_tools(cache, lock, scratch))
        if tree_digest(made) != lock["result"]["tree"]:
            raise UserError("the image did not unpack as locked", where=source)
        made.replace(folder)


@contextlib.contextmanager
def _scratch(path: Path, kind: str) -> Iterator[Path]:
    """Give an empty folder beside `path`, and clear those that killed builds of it have left.

    The image's lock is held, so nobody works in them. Raises UserError if the disk gets full.
    """
    prefix = f".{kind}-{path.name}-"
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f"{prefix}*"):
        shutil.rmtree(left)
    with (
        tempfile.TemporaryDirectory(dir=path.parent, prefix=prefix) as name,
        telling_full(path.parent),
    ):
        yield Path(name)


@contextlib.contextmanager
def telling_full(folder: Path) -> Iterator[None]:
    """Raise a clear UserError in the place of what follows from a full disk."""
    try:
        yield
    except (OSError, AssayError) as error:
        if not _is_full(error, folder):
            raise
        raise UserError(
            "the disk is too full for the image", where=folder, given=error,
            hint="free about 2 GB there (for a docker image about six times the size that its lock "
            "states), or set ASSAY_CACHE to a folder of another disk",
        ) from error  # fmt: skip


def _is_full(error: OSError | AssayError, folder: Path) -> bool:
    """Tell whether want of space was the cause; other programs tell it only in words."""
    if isinstance(error, OSError):
        return error.errno in FULL
    said = str(error).casefold()
    return os.strerror(errno.ENOSPC).casefold() in said or shutil.disk_usage(folder).free < LITTLE
