"""Digests of a run's outputs, so that a file that changed on the disk is never used unnoticed.

A step records the digest of each of its outputs below `telemetry/digests/`, and checks its inputs
against them before it computes. Snakemake itself compares times, and digests only where a time
changed; a byte that the disk or a person changed without one would pass.

A record is one line as `sha256sum --check` reads it, with the path below `results/<run>`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from assay.core.errors import UserError
from assay.core.files import sha256_file, write_text

FOLDER = Path("telemetry", "digests")
SUFFIX = ".sha256"
SKEW_S = 60  # that clocks of one network may differ by


def root_of(run_lock: Path) -> Path:
    """Return results/<run> of the run's lock, results/.<run>.lock."""
    return run_lock.with_name(run_lock.name.removeprefix(".").removesuffix(".lock"))


def forget(root: Path, paths: Iterable[Path]) -> None:
    """Remove the records of outputs that are about to be written.

    Else a kill between an output and its record would leave the record of an older file.
    """
    for path in _below(root, paths):
        _record_of(root, path).unlink(missing_ok=True)


def record(root: Path, paths: Iterable[Path]) -> None:
    """Record the digest of each file below `root`, results/<run>."""
    for path in _below(root, paths):
        write_text(_record_of(root, path), _line(root, path))


def check(root: Path, paths: Iterable[Path]) -> None:
    """Raise UserError that names every file that is not as the step that made it left it.

    A file without a record is taken as it is: somebody else put it there (`make verify`).
    """
    damaged = [path for path in _below(root, paths) if _damaged(root, path)]
    if damaged:
        raise UserError(
            "a result is not what the step that made it has written",
            where=", ".join(map(str, damaged)), expected=f"the sha256 in {root / FOLDER}",
            hint="delete it and run again: it is made anew, and what follows from it",
        )  # fmt: skip


def check_all(root: Path) -> None:
    """Check every file below `root` that has a record."""
    folder = root / FOLDER
    records = sorted(folder.rglob(f"*{SUFFIX}"))
    names = (path.relative_to(folder).as_posix().removesuffix(SUFFIX) for path in records)
    check(root, (root / name for name in names))


def mend_times(root: Path) -> list[Path]:
    """Give all below `root` that says it was written later than now the time of now; return it.

    It was written under a wrong clock. Digests say whether it is right, and Snakemake would refuse
    whatever is made of it, for being older than it. Raises UserError for a time that can't be set.
    """
    now = time.time()
    late = [path for path in sorted(root.rglob("*")) if path.lstat().st_mtime > now + SKEW_S]
    for path in late:
        try:
            os.utime(path, (now, now), follow_symlinks=False)
        except OSError as error:
            raise UserError(
                "a file was written later than now, and its time can't be set", where=path,
                given=error.strerror, hint="set the clock right, or touch the file",
            ) from error  # fmt: skip
    return late


def _below(root: Path, paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if path.is_relative_to(root)]


def _record_of(root: Path, path: Path) -> Path:
    return root / FOLDER / f"{path.relative_to(root)}{SUFFIX}"


def _line(root: Path, path: Path) -> str:
    return f"{sha256_file(path)}  {path.relative_to(root)}\n"


def _damaged(root: Path, path: Path) -> bool:
    kept = _record_of(root, path)
    try:
        # A temporary output that was used up leaves its record behind.
        return kept.exists() and path.exists() and kept.read_bytes() != _line(root, path).encode()
    except OSError as error:
        raise UserError("can't read a result", where=path, given=error.strerror) from error
