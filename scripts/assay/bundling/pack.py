"""Packs what a run of a config needs as one folder, and optionally as one deterministic tar.

A bundle is a cut through the cache: what the config's run touches and nothing else, each file
under its path in the cache. What the cache lacks is fetched first, by the code of the steps.
"""

from __future__ import annotations

import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from assay.bundling.environments import lock_digest, wheels_of
from assay.bundling.index import CHECKOUT, FORMAT, FORMS, INDEX, KIND, Entry
from assay.bundling.needs import Need, needs
from assay.bundling.tar import checkout_files, write_tar
from assay.core.errors import UserError
from assay.core.files import atomic, sha256_file, write_json
from assay.core.progress import track
from assay.engines import _weights
from assay.images import apptainer
from assay.images.build import ensure_image
from assay.images.fetch import fetch_group, fetch_packages
from assay.images.names import read_lock
from assay.sources import fetch as sources
from assay.workflow.run import Run


@dataclass(frozen=True)
class Packed:
    """Where a bundle was written, and how much it holds; `archive` is None if none was wanted."""

    folder: Path
    archive: Path | None
    files: int
    size: int
    index: str


@dataclass(frozen=True)
class Wish:
    """What to pack beside the run's own needs.

    locks: the environments (`host` is what a run needs; `dev` for tests)
    lean: leave out what the images are built from
    archive: write one tar beside the folder
    """

    locks: Sequence[str] = ("host",)
    lean: bool = False
    archive: bool = False


@dataclass(frozen=True)
class _File:
    path: str
    part: str
    source: Path
    sha256: str


def fill(run: Run, cache: Path, *, lean: bool) -> None:
    """Fetch or build what the cache lacks of a run's needs, as the run's own steps would.

    Raises UserError for what can't be had as pinned.
    """
    for recipe in run.images:
        lock = read_lock(run.repository, recipe)
        ensure_image(cache, lock, unpacked=False)
        fetch_packages(cache, lock["builder_packages"])
        if not lean:
            fetch_packages(cache, lock["packages"])
            for group in lock["wheels"]:
                fetch_group(cache, group)
    with tempfile.TemporaryDirectory(prefix="assay-bundle-") as scratch:
        for target in run.settings.targets.values():
            sources.fetch(target, cache, Path(scratch) / "source", Path(scratch) / "record")
    for model, described in run.settings.models.items():
        _weights.receipt_of(model, described, cache)


def pack(run: Run, cache: Path, to: Path, wish: Wish) -> Packed:
    """Write `to`/<run>/ (and `to`/<run>.tar) with all that the run needs.

    Raises UserError if something can't be had, or is not what the locks and the config pin.
    """
    target = to / run.name
    if target.exists() and not (target / INDEX).is_file():
        raise UserError(
            "the folder to pack into holds something else", where=target, hint="give another TO="
        )
    fill(run, cache, lean=wish.lean)
    files = {file.path: file for file in _files(run, cache, wish)}
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to, prefix=f".{run.name}-") as scratch:
        folder = Path(scratch) / run.name
        write_tar(folder / CHECKOUT, checkout_files(run.repository))
        named = track(sorted(files), "bundle: files packed")
        rows = [_packed(files[path], folder) for path in named]
        rows.append(_entry(CHECKOUT, "checkout", folder / CHECKOUT))
        _describe(folder / INDEX, run, wish, rows)
        if target.exists():
            shutil.rmtree(target)
        folder.chmod(0o755)
        folder.rename(target)
    archive = to / f"{run.name}.tar" if wish.archive else None
    if archive:
        names = [INDEX, *(row.path for row in rows)]
        write_tar(archive, {f"{run.name}/{name}": target / name for name in names})
    size = sum(row.size for row in rows)
    return Packed(target, archive, len(rows), size, sha256_file(target / INDEX))


def _files(run: Run, cache: Path, wish: Wish) -> Iterator[_File]:
    for lock in wish.locks:
        path = run.repository / "envs" / f"{lock}.txt"
        for wheel in wheels_of(cache, path):
            place = f"wheels/{lock}-{lock_digest(path)[:16]}/{wheel.name}"
            yield _File(place, "environment", wheel, sha256_file(wheel))
    for package in apptainer.packages(cache):
        place = f"apptainer/packages/{package.name}"
        yield _File(place, "apptainer", package, sha256_file(package))
    for need in needs(run, ingredients=not wish.lean):
        yield from _needed(need, cache)


def _needed(need: Need, cache: Path) -> Iterator[_File]:
    if not need.path.endswith("/"):
        yield _File(need.path, need.part, cache / need.path, need.sha256)
        return
    form = FORMS[need.part]
    for path in sorted((cache / need.path).rglob("*")):
        name = path.relative_to(cache).as_posix()
        if path.is_file() and re.fullmatch(form, name):
            yield _File(name, need.part, path, sha256_file(path))


def _packed(file: _File, folder: Path) -> Entry:
    place = folder / file.path
    try:
        with file.source.open("rb") as stream, atomic(place) as target:
            shutil.copyfileobj(stream, target)
    except FileNotFoundError as error:
        raise UserError("the cache lost a file meanwhile", where=file.source) from error
    entry = _entry(file.path, file.part, place)
    if entry.sha256 != file.sha256:
        raise UserError(
            "a file of the cache is damaged", where=file.source, given=f"sha256 {entry.sha256}",
            expected=f"sha256 {file.sha256}", hint="delete it and run again: it is fetched anew",
        )  # fmt: skip
    return entry


def _entry(path: str, part: str, place: Path) -> Entry:
    return Entry(path, part, place.stat().st_size, sha256_file(place))


def _describe(path: Path, run: Run, wish: Wish, rows: Iterable[Entry]) -> None:
    """Write the index: nothing measured, no time and no host, so equal bundles are equal bytes."""
    locks = {name: lock_digest(run.repository / "envs" / f"{name}.txt") for name in wish.locks}
    write_json(path, {
        "kind": KIND, "format": FORMAT,
        "made_for": {
            "run": run.name, "python": "{}.{}".format(*sys.version_info[:2]),
            "machine": platform.machine(), "locks": locks, "lean": wish.lean,
        },
        "files": [asdict(row) for row in sorted(rows, key=lambda row: row.path)],
    })  # fmt: skip
