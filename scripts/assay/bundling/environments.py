"""The wheels of an environment's lock, as the cache keeps them, complete for this Python."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import Requirement

from assay.core.errors import UserError
from assay.core.files import sha256_file

_BLOCK = re.compile(
    r"^(\S+==[^\\\n]*?) *\\?\n((?: +--hash=sha256:[0-9a-f]{64}(?: *\\)?\n?)+)", re.MULTILINE
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def lock_digest(lock: Path) -> str:
    """Return the hex SHA-256 of a lock, which names its environment."""
    return sha256_file(lock)


def wheels_of(cache: Path, lock: Path) -> list[Path]:
    """Return the files that the environment of a lock is made from here, sorted by name.

    Raises UserError if there is no such lock, a file is missing, or one is not of the lock.
    """
    if not lock.is_file():
        raise UserError("there is no lock of that name", where=lock, hint="run `make relock`")
    wanted = _wanted(lock.read_text(encoding="utf-8"))
    known = {digest for digests in wanted.values() for digest in digests}
    # One folder a version of Python, or the one that a bundle has filled.
    found: dict[str, Path] = {}
    for folder in sorted((cache / "wheels").glob(f"{lock.stem}-{lock_digest(lock)[:16]}*")):
        for path in sorted(folder.iterdir()):
            digest = sha256_file(path)
            if digest in known:
                found.setdefault(digest, path)
    lost = [name for name, digests in wanted.items() if not set(digests) & set(found)]
    if lost:
        raise UserError(
            f"the cache does not hold all files of the environment {lock.stem}",
            where=cache / "wheels", expected=", ".join(lost[:8]),
            hint=f"delete {cache / 'venvs'}/{lock.stem}-{lock_digest(lock)[:16]}-* and run again: "
            "set-up fetches them anew",
        )  # fmt: skip
    return sorted(found.values(), key=lambda path: path.name)


def _wanted(lock: str) -> dict[str, list[str]]:
    """Return requirement -> allowed digests, of those requirements that hold on this machine."""
    wanted = {}
    for line, hashes in _BLOCK.findall(lock):
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            wanted[str(requirement)] = _HASH.findall(hashes)
    return wanted
