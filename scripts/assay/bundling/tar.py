"""Deterministic tars that are written as a stream, however large their files are."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.core.files import atomic

# What of a checkout runs, tests and verifies; not its history, results, caches or environments.
CHECKED_OUT = (
    ".ci", ".gitignore", "CHANGELOG.md", "CITATION.cff", "LICENSE", "Makefile", "README.md",
    "Snakefile", "benchmarks", "config", "containers", "docs", "envs", "profiles", "pyproject.toml",
    "results/published", "rules", "scripts", "tests",
)  # fmt: skip
_PASSED_OVER = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"}


def checkout_files(repository: Path) -> dict[str, Path]:
    """Return the files of a checkout as they are now, changes and additions included."""
    found: dict[str, Path] = {}
    for name in CHECKED_OUT:
        path = repository / name
        if path.is_file():
            found[name] = path
        for file in _below(path):
            found[file.relative_to(repository).as_posix()] = file
    return found


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        parts = path.relative_to(folder).parts
        measured = folder.name == "benchmarks" and parts[0] == "results"
        passed_over = _PASSED_OVER & set(parts) or path.suffix == ".pyc" or measured
        if not passed_over and (path.is_file() or path.is_symlink()):
            yield path


def write_tar(path: Path, files: Mapping[str, Path]) -> None:
    """Write the files under their names, sorted; equal files give equal bytes.

    Owners and times are zero, modes 755 and 644; there is no compression, whose bytes depend on
    the compressor's version.
    """
    with atomic(path) as stream, tarfile.open(
        fileobj=stream, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8"
    ) as archive:  # fmt: skip
        for name in sorted(files):
            file = files[name]
            entry = tarfile.TarInfo(name)
            if file.is_symlink():
                entry.type, entry.linkname = tarfile.SYMTYPE, os.fspath(file.readlink())
                archive.addfile(entry)
                continue
            entry.size = file.stat().st_size
            entry.mode = 0o755 if file.stat().st_mode & 0o100 else 0o644
            with file.open("rb") as content:
                archive.addfile(entry, content)
