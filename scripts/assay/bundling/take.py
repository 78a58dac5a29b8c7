"""Takes files out of a bundle into the cache, each checked by its digest on the way.

Standard library only. Run as a program it takes what has to be there before anything else runs:
the wheels of one environment, and Apptainer's packages.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, BinaryIO

from assay.bundling.index import AGAIN, Bundle, Entry, open_bundle, unreadable
from assay.core.errors import AssayError, UserError
from assay.core.files import CHUNK, atomic, sha256_file
from assay.core.locks import exclusive
from assay.core.progress import say, track

# Folders that count as complete as soon as they are there.
WHOLE = re.compile(r"(apptainer/packages|git/[0-9a-f]{40}\.git)/")
GIT_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"


def take(bundle: Bundle, cache: Path, wanted: Iterable[Entry]) -> int:
    """Copy the wanted files to their places in the cache; return how many were copied.

    What the cache has with the right digest stays; a damaged file there is replaced.
    Raises UserError that names the file if one has another digest than the index says. Of a file
    or folder that fails nothing is kept.
    """
    alone: list[Entry] = []
    folders: dict[str, list[Entry]] = {}
    for entry in wanted:
        whole = WHOLE.match(entry.path)
        (folders.setdefault(whole.group(1), []) if whole else alone).append(entry)
    with exclusive(cache / "locks/bundle.lock", "bundle"):
        missing = [entry for entry in alone if not _holds(cache / entry.path, entry)]
        absent = {name: rows for name, rows in folders.items() if not (cache / name).exists()}
        count = len(missing) + sum(len(rows) for rows in absent.values())
        if count:
            _copy_all(bundle, cache, missing, absent)
    return count


def _copy_all(
    bundle: Bundle, cache: Path, alone: Sequence[Entry], folders: dict[str, list[Entry]]
) -> None:
    say(f"bundle: taking files of {bundle.place} into {cache}")
    for name, rows in folders.items():
        place = cache / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".bundle-") as scratch:
            made = Path(scratch) / "made"
            for entry in rows:
                copy(bundle, entry, made / entry.path.removeprefix(f"{name}/"))
            if place.suffix == ".git":
                _finish_repository(made)
            made.rename(place)
    for entry in track(alone, "bundle: files taken and checked"):
        copy(bundle, entry, cache / entry.path)


def copy(bundle: Bundle, entry: Entry, place: Path) -> None:
    """Copy one file, checked by its digest; raise UserError, and keep nothing, if it differs."""
    with bundle.open(entry) as stream, atomic(place) as target:
        found = _copied(bundle, entry, stream, target)
        if found != entry.sha256:
            raise UserError(
                "a file of the bundle is damaged: its digest is not the one in the index",
                where=bundle.where(entry), given=f"sha256 {found}",
                expected=f"sha256 {entry.sha256}", hint=f"nothing of it was kept; {AGAIN}",
            )  # fmt: skip


def _copied(bundle: Bundle, entry: Entry, stream: IO[bytes], target: BinaryIO) -> str:
    state = hashlib.sha256()
    while chunk := _read(bundle, entry, stream):
        state.update(chunk)
        target.write(chunk)
    return state.hexdigest()


def _read(bundle: Bundle, entry: Entry, stream: IO[bytes]) -> bytes:
    try:
        return stream.read(CHUNK)
    except OSError as error:
        raise unreadable(bundle, entry, error) from error


def _finish_repository(folder: Path) -> None:
    """Write what makes git see a repository; a bundle's own settings are never taken."""
    (folder / "refs").mkdir()
    (folder / "HEAD").write_text("ref: refs/heads/none\n", encoding="utf-8")
    (folder / "config").write_text(GIT_CONFIG, encoding="utf-8")


def _holds(place: Path, entry: Entry) -> bool:
    if not place.is_file() or place.stat().st_size != entry.size:
        return False
    return sha256_file(place) == entry.sha256


def environment_entries(bundle: Bundle, lock: Path) -> list[Entry]:
    """Return the wheels of a lock, for this Python, and Apptainer's packages.

    Raises UserError if the bundle was made for another Python, machine or lock.
    """
    ours = {
        "python": "{}.{}".format(*sys.version_info[:2]),
        "machine": platform.machine(),
        "lock": sha256_file(lock),
    }
    theirs = {**bundle.made_for, "lock": bundle.made_for["locks"].get(lock.stem)}
    advice = {
        "python": "name that Python: make PYTHON=python{python} …, or make the bundle with this",
        "machine": "make the bundle on a machine like this one",
        "lock": "take the checkout that made the bundle ({place}: checkout.tar), or make the "
        "bundle anew from this one",
    }
    for name, value in ours.items():
        if theirs.get(name) != value:
            raise UserError(
                f"the bundle was made for another {name}",
                where=lock if name == "lock" else bundle.place, given=value,
                expected=theirs.get(name) or f"no environment `{lock.stem}` in this bundle",
                hint=advice[name].format(place=bundle.place, **bundle.made_for),
            )  # fmt: skip
    folder = f"wheels/{lock.stem}-{ours['lock'][:16]}/"
    return [
        entry for entry in bundle.entries.values()
        if entry.part == "apptainer"
        or (entry.part == "environment" and entry.path.startswith(folder))
    ]  # fmt: skip


def ended(work: Callable[[], object]) -> int:
    """Do the work of a program; say what is wrong if it fails; return the exit code."""
    try:
        work()
    except AssayError as error:
        say(f"error: {error}")
        return error.exit_code
    return 0


def take_environment(place: Path, cache: Path, lock: Path) -> None:
    """Put what makes a lock's environment, and Apptainer's packages, into the cache."""
    with open_bundle(place) as bundle:
        take(bundle, cache, environment_entries(bundle, lock))


if __name__ == "__main__":
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--bundle", type=Path, required=True, help="folder or tar")
    command.add_argument("--cache", type=Path, required=True)
    command.add_argument("--lock", type=Path, required=True, help="envs/<name>.txt")
    given = command.parse_args()
    place = given.bundle.expanduser()
    sys.exit(ended(lambda: take_environment(place, given.cache, given.lock)))
