"""Where images lie in the cache, and the check that they are the locked ones."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assay.core.errors import UserError
from assay.core.files import sha256_file

FUSE = Path("/dev/fuse")


def cache_root() -> Path:
    """Return the cache: $ASSAY_CACHE, else `assay` in the user's cache folder."""
    named = os.environ.get("ASSAY_CACHE")
    if named:
        return Path(named).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "assay"


def image_file(cache: Path, image: str) -> Path:
    """Return the squashfs file of an image named `<name>-<digest12>`."""
    return cache / "images" / f"{image}.sqfs"


def image_folder(cache: Path, image: str) -> Path:
    """Return the unpacked form of an image."""
    return cache / "images" / image


def container_path(cache: Path, image: str) -> Path:
    """Return what Apptainer is to run: the squashfs file, or the unpacked folder without FUSE."""
    return image_file(cache, image) if fuse_usable() else image_folder(cache, image)


def fuse_usable(device: Path = FUSE) -> bool:
    """Tell whether this user can open /dev/fuse, which mounting an image file needs."""
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError:
        return False
    return True


def verify_image(cache: Path, image: str, lock: dict[str, Any]) -> None:
    """Check an image, and its unpacked folder if there is one, against the lock's digests.

    Raises UserError that names the file or folder.
    """
    path, result = image_file(cache, image), lock["result"]
    hint = "delete it and run again: it is rebuilt from the lock"
    if not path.is_file():
        raise UserError("the image is missing", where=path, hint="run `make setup` or `make run`")
    found = sha256_file(path)
    if found != result["sha256"]:
        raise UserError(
            "the image is damaged", where=path, given=f"sha256 {found}",
            expected=f"sha256 {result['sha256']}", hint=hint,
        )  # fmt: skip
    folder = image_folder(cache, image)
    if folder.exists() and tree_digest(folder) != result["tree"]:
        raise UserError("the unpacked image is damaged", where=folder, hint=hint)


def tree_digest(root: Path) -> str:
    """Return the hex SHA-256 over every path, kind, mode, link target and content below `root`."""
    state = hashlib.sha256()
    for path in _walk(root):
        entry = path.lstat()
        kind = stat.S_IFMT(entry.st_mode)
        if kind == stat.S_IFLNK:
            body = "-> " + path.readlink().as_posix()
        else:
            mode = f"{stat.S_IMODE(entry.st_mode):o}"
            body = mode + (" " + sha256_file(path) if kind == stat.S_IFREG else "")
        line = f"{kind:o} {body} {path.relative_to(root).as_posix()}\0"
        state.update(line.encode("utf-8", "surrogateescape"))
    return state.hexdigest()


def _walk(root: Path) -> Iterator[Path]:
    for path in sorted(root.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
