"""The wheels of an environment's lock: for this Python, whatever its patch release.

A lock may name other versions for 3.11.4 than for 3.11.5, and nobody knows which of them the
machine has that a bundle is carried to; so the files of all patch releases go along.
"""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import Tag, sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from assay.core.airgap import require_network
from assay.core.errors import UserError
from assay.core.files import sha256_file
from assay.core.progress import say
from assay.images.fetch import keep_wheel

PATCHES = range(40)
_BLOCK = re.compile(
    r"^(\S+==[^\\\n]*?) *\\\n((?: +--hash=sha256:[0-9a-f]{64}(?: *\\)?\n?)+)", re.MULTILINE
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Locked:
    """One requirement of a lock: `name==version` and the digests of its files."""

    pin: str
    digests: tuple[str, ...]


def lock_digest(lock: Path) -> str:
    """Return the hex SHA-256 of a lock, which names its environment."""
    return sha256_file(lock)


def wheels_of(cache: Path, lock: Path) -> list[Path]:
    """Return the files that the environment of a lock is made from, fetching what is missing.

    Sorted by name. Raises UserError if there is no such lock, or a file can't be had.
    """
    if not lock.is_file():
        raise UserError("there is no lock of that name", where=lock, hint="run `make relock`")
    wanted = locked(lock.read_text(encoding="utf-8"))
    found = dict(_held(cache, lock, wanted))
    lost = [one for one in wanted if one not in found]
    if lost:
        _fetch(cache, lost)
        found |= dict(_held(cache, lock, lost))
    lost = [one for one in wanted if one not in found]
    if lost:
        raise UserError(
            f"the package index gave other files than those that {lock.name} pins",
            where=", ".join(one.pin for one in lost), hint="run `make relock`",
        )  # fmt: skip
    return sorted(found.values(), key=lambda path: path.name)


def locked(lock: str) -> list[Locked]:
    """Return the requirements that hold on this machine under some patch release of this Python."""
    return [
        Locked(line.partition(";")[0].strip(), tuple(_HASH.findall(hashes)))
        for line, hashes in _BLOCK.findall(lock)
        if _ever_holds(Requirement(line))
    ]


def _ever_holds(requirement: Requirement) -> bool:
    marker = requirement.marker
    release = "{}.{}".format(*sys.version_info[:2])
    return marker is None or any(
        marker.evaluate({"python_full_version": f"{release}.{patch}"}) for patch in PATCHES
    )


def _held(cache: Path, lock: Path, wanted: list[Locked]) -> Iterator[tuple[Locked, Path]]:
    """Yield for each requirement the file that the cache has for it and this Python can use."""
    name = f"{lock.stem}-{lock_digest(lock)[:16]}"
    # One folder a version of Python, or the one that a bundle has filled; and single files.
    paths = [path for folder in (cache / "wheels").glob(f"{name}*") for path in folder.iterdir()]
    digests = [digest for one in wanted for digest in one.digests]
    paths += [path for digest in digests for path in (cache / "wheels" / digest).glob("*")]
    usable = {sha256_file(path): path for path in sorted(paths, reverse=True) if _usable(path)}
    for one in wanted:
        for digest in one.digests:
            if digest in usable:
                yield one, usable[digest]
                break


def _usable(path: Path) -> bool:
    """Tell whether this Python can install the file: a source archive, or a wheel of its tags."""
    if path.suffix != ".whl":
        return path.name.endswith(".tar.gz")
    try:
        tags = parse_wheel_filename(path.name)[3]
    except InvalidWheelFilename:
        return False
    return not tags.isdisjoint(_tags())


@functools.cache
def _tags() -> frozenset[Tag]:
    return frozenset(sys_tags())


def _fetch(cache: Path, lost: list[Locked]) -> None:
    """Fetch files by pip, for whatever patch release of Python, and keep them by digest."""
    require_network("wheels " + ", ".join(one.pin for one in lost))
    say(f"wheels: fetching {len(lost)} for other patch releases of Python")
    (cache / "wheels").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache / "wheels") as scratch:
        listing, into = Path(scratch) / "requirements.txt", Path(scratch) / "files"
        listing.write_text("".join(_line(one) for one in lost), encoding="utf-8")
        command = [
            sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download",
            "--quiet", "--no-deps", "--no-build-isolation", "--ignore-requires-python",
            "--require-hashes", f"--dest={into}", f"--requirement={listing}",
        ]  # fmt: skip
        done = subprocess.run(command, check=False, text=True, capture_output=True)
        if done.returncode:
            raise UserError(
                "can't fetch locked wheels", given=done.stderr[-1500:],
                hint="check the network and pip's configuration",
            )  # fmt: skip
        for file in sorted(into.iterdir()):
            keep_wheel(cache, file)


def _line(one: Locked) -> str:
    return " ".join([one.pin, *(f"--hash=sha256:{digest}" for digest in one.digests)]) + "\n"
