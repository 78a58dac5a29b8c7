"""What a bundle is, and how one is read that somebody has carried here.

A folder, or the same as one tar: `bundle.json` with the size and SHA-256 of every other file, and
these files under the paths that they have in the cache. Standard library only, since a bundle is
read before there is an environment. Nothing in a bundle is trusted: a path has to have the form of
its part, so that nothing but what is checked again by a lock or a config can get into the cache
(Apptainer's own packages, which no lock pins, are held by the index alone).
"""

from __future__ import annotations

import contextlib
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from assay.core.errors import UserError
from assay.core.files import sha256_text

KIND, FORMAT = "assay bundle", 1
INDEX = "bundle.json"
MADE_FOR = ("run", "python", "machine", "locks", "lean")
CHECKOUT = "checkout.tar"
AGAIN = (
    "copy the bundle here again; if it is like that where it was made, make it anew there: "
    "`make bundle CONFIG=… TO=…`"
)
_HEX, _NAME = "[0-9a-f]{64}", r"[A-Za-z0-9][A-Za-z0-9._@+%~!-]*"
_OBJECTS = r"objects/([0-9a-f]{2}/[0-9a-f]{38}|pack/pack-[0-9a-f]{40}\.(pack|idx|rev))"
# Part -> what its paths look like.
FORMS = {
    "environment": rf"wheels/[a-z-]+-[0-9a-f]{{16}}/{_NAME}",
    "apptainer": rf"apptainer/packages/{_NAME}\.deb",
    "image": rf"images/{_NAME}\.sqfs",
    "builder": rf"packages/{_HEX}\.deb",
    "ingredient": rf"(packages/{_HEX}\.deb|wheels/{_HEX}/{_NAME}\.whl)",
    "archive": f"archives/{_HEX}",
    "commit": rf"git/[0-9a-f]{{40}}\.git/({_OBJECTS}|shallow)",
    "weights": f"weights/{_HEX}",
    "checkout": re.escape(CHECKOUT),
}


@dataclass(frozen=True)
class Entry:
    """One file of a bundle: its path there and in the cache, what it is for, size and digest."""

    path: str
    part: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Bundle:
    """An opened bundle. `made_for`: run, python, machine, locks (name -> digest), lean."""

    place: Path
    digest: str
    made_for: dict[str, Any]
    entries: dict[str, Entry]
    _tar: tarfile.TarFile | None = field(default=None, compare=False)
    _members: dict[str, tarfile.TarInfo] = field(default_factory=dict, compare=False)

    def where(self, entry: Entry) -> str:
        """Return how a message names a file of the bundle."""
        return f"{self.place}: {entry.path}" if self._tar else str(self.place / entry.path)

    def size(self, entry: Entry) -> int | None:
        """Return the size that the file has, None if it is not there."""
        if self._tar:
            member = self._members.get(entry.path)
            return member.size if member and member.isfile() else None
        path = self.place / entry.path
        return path.stat().st_size if path.is_file() else None

    def open(self, entry: Entry) -> IO[bytes]:
        """Open a file of the bundle; raise UserError if it is not there."""
        if self._tar and entry.path in self._members:
            stream = self._tar.extractfile(self._members[entry.path])
            if stream:
                return stream
        path = self.place / entry.path
        if self._tar or not path.is_file():
            raise missing(self, entry)
        try:
            return path.open("rb")
        except OSError as error:
            raise unreadable(self, entry, error) from error


def unreadable(bundle: Bundle, entry: Entry, error: OSError) -> UserError:
    """Return the error for a file of the bundle that its disk does not give out."""
    return UserError(
        f"can't read a file of the bundle: {error.strerror}", where=bundle.where(entry), hint=AGAIN
    )


def missing(bundle: Bundle, entry: Entry) -> UserError:
    """Return the error for a file that the index lists and the bundle lacks."""
    return UserError("a file of the bundle is missing", where=bundle.where(entry), hint=AGAIN)


@contextlib.contextmanager
def open_bundle(place: Path) -> Iterator[Bundle]:
    """Open a folder or tar and read its index; every listed file has to be there in full length.

    Raises UserError that names the first file which is not.
    """
    with contextlib.ExitStack() as stack:
        tar, members = None, {}
        if place.is_file():
            try:
                tar = stack.enter_context(tarfile.open(place, "r:"))
                members = {member.name.partition("/")[2]: member for member in tar}
            except (tarfile.TarError, OSError) as error:
                raise UserError(
                    "the bundle is no whole tar", where=place, given=error, hint=AGAIN
                ) from error
        text = _index(place, tar, members)
        made_for, entries = _read(text, place)
        bundle = Bundle(place, sha256_text(text), made_for, entries, tar, members)
        _require_lengths(bundle)
        yield bundle


def _index(place: Path, tar: tarfile.TarFile | None, members: dict[str, tarfile.TarInfo]) -> str:
    try:
        if tar:
            stream = tar.extractfile(members[INDEX])
            return stream.read().decode("utf-8") if stream else ""
        return (place / INDEX).read_text(encoding="utf-8")
    except (OSError, KeyError, UnicodeDecodeError, tarfile.TarError) as error:
        raise UserError(
            "this is no bundle: it has no index", where=place, given=error,
            expected=f"a folder or tar with {INDEX}", hint="BUNDLE= names what `make bundle` wrote",
        ) from error  # fmt: skip


def _read(text: str, place: Path) -> tuple[dict[str, Any], dict[str, Entry]]:
    try:
        index = json.loads(text)
        if (index["kind"], index["format"]) != (KIND, FORMAT):
            raise UserError(
                "the bundle is of another version", where=place / INDEX,
                given=f"{index['kind']} {index['format']}", expected=f"{KIND} {FORMAT}",
                hint="use the checkout that made it",
            )  # fmt: skip
        made_for = {name: index["made_for"][name] for name in MADE_FOR}
        if not isinstance(made_for["locks"], dict):
            raise TypeError(made_for["locks"])
        listed = [Entry(**row) for row in index["files"]]
        wrong = [entry for entry in listed if not _formed(entry)]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            "the bundle's index is damaged", where=place / INDEX, given=error, hint=AGAIN
        ) from error
    if wrong:
        raise UserError(
            "the bundle's index lists what has no place in a cache", where=place / INDEX,
            given=f"{wrong[0].part}: {wrong[0].path}", hint="nothing was taken; " + AGAIN,
        )  # fmt: skip
    return made_for, {entry.path: entry for entry in listed}


def _formed(entry: Entry) -> bool:
    """Tell whether the path is one of its part, and agrees with the digest where it holds one."""
    if not re.fullmatch(FORMS.get(entry.part, "(?!)"), entry.path):
        return False
    if not re.fullmatch(_HEX, entry.sha256) or entry.size < 0:
        return False
    named = re.search(_HEX, entry.path)
    return not named or named.group() == entry.sha256


def _require_lengths(bundle: Bundle) -> None:
    for entry in bundle.entries.values():
        size = bundle.size(entry)
        if size is None:
            raise missing(bundle, entry)
        if size != entry.size:
            raise UserError(
                "a file of the bundle has another length than its index says",
                where=bundle.where(entry), given=f"{size} bytes", expected=f"{entry.size} bytes",
                hint=AGAIN,
            )  # fmt: skip
