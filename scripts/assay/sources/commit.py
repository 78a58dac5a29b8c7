"""The tree of a commit, read from git's objects and checked against the commit's id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from assay.core.errors import HarnessError, UserError
from assay.sources.assembly import MAX_MEMBERS, Assembly
from assay.sources.git import git
from assay.sources.swhid import git_object_id, tree_id
from assay.sources.tree import FOLDER, Entry, decoded, shown

SUBMODULE = 0o160000
_ID_BYTES = 20
_NAMED = 5
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(ext-[^\n]*\n)*oid sha256:[0-9a-f]{64}\n"
    rb"size [0-9]+\n"
)


@dataclass(frozen=True)
class Commit:
    """A commit's tree, the tree's id, and its two dates (UTC, ISO 8601)."""

    tree: dict[str, Entry]
    tree_id: str
    committed: str
    authored: str


class _Row(NamedTuple):
    mode: int
    oid: str
    path: str


def read_commit(repository: Path, commit: str, label: str, limit: int) -> Commit:
    """Return the commit's content.

    label: the repository's address, for messages; limit: bytes that its files may have together
    Raises UserError for the id of something else, submodules, files kept by LFS, unsafe names,
    links that leave the root; HarnessError if the objects do not add up to the commit's id.
    """
    kind = git(repository, "cat-file", "-t", commit).stdout.decode("ascii").strip()
    if kind in ("tag", "tree", "blob"):
        raise UserError(
            f"the id is that of a {kind}, not of a commit", where=label, given=commit,
            expected="the full id of a commit",
            hint="`git rev-parse <branch or tag>^{commit}` in a clone prints it",
        )  # fmt: skip
    head = _objects(repository, "commit", [commit])[commit]
    root = head.split(b"\n", 1)[0].removeprefix(b"tree ").decode("ascii")
    rows = _rows(repository, root, label)
    _refuse(rows, "the repository has submodules, which are not fetched", label, SUBMODULE)
    assembly = Assembly(label, limit)
    oids = [row.oid for row in rows if row.mode != FOLDER]
    for size in _sizes(repository, oids):
        assembly.take(size)
    blobs = _objects(repository, "blob", oids)
    for row in rows:
        assembly.add(row.path, row.mode, blobs.get(row.oid, b""))
    tree = assembly.tree(strip=False)
    _refuse_pointers(tree, label)
    if tree_id(tree) != root:
        raise HarnessError(f"{repository}: the objects do not add up to tree {root}")
    return Commit(tree, root, _date(head, b"committer"), _date(head, b"author"))


def _rows(repository: Path, root: str, label: str) -> list[_Row]:
    # Read from the tree objects, since `git ls-tree` rounds old modes and the ids hang on them.
    rows: list[_Row] = []
    level = [("", root)]
    while level:
        trees = _objects(repository, "tree", [oid for _, oid in level])
        start = len(rows)
        for prefix, oid in level:
            rows += _members(prefix, trees[oid])
            if len(rows) > MAX_MEMBERS:
                # A few objects that name each other many times over stand for endless files.
                what = f"the source has more than {MAX_MEMBERS} members"
                raise UserError(what, where=label, hint="take another repository or commit")
        level = [(f"{row.path}/", row.oid) for row in rows[start:] if row.mode == FOLDER]
    return rows


def _members(prefix: str, data: bytes) -> Iterator[_Row]:
    place = 0
    while place < len(data):
        end = data.index(b"\0", place)
        mode, _, name = data[place:end].partition(b" ")
        place = end + 1 + _ID_BYTES
        yield _Row(int(mode, 8), data[end + 1 : place].hex(), prefix + decoded(name))


def _sizes(repository: Path, oids: Iterable[str]) -> Iterator[int]:
    rows = git(repository, "cat-file", "--batch-check=%(objectsize)", stdin=_request(oids))
    for oid, size in zip(oids, rows.stdout.split(b"\n"), strict=False):
        if not size.isdigit():
            raise HarnessError(f"{repository}: can't read {oid}")
        yield int(size)


def _objects(repository: Path, kind: str, oids: Iterable[str]) -> dict[str, bytes]:
    wanted = sorted(set(oids))
    output = git(repository, "cat-file", "--batch", stdin=_request(wanted)).stdout
    found, place = {}, 0
    for oid in wanted:
        header = re.compile(rb"%s %s (\d+)\n" % (oid.encode(), kind.encode())).match(output, place)
        if not header:
            raise HarnessError(f"{repository}: can't read the {kind} {oid}")
        place = header.end() + int(header[1])
        found[oid] = output[header.end() : place]
        if git_object_id(kind, found[oid]) != oid:
            raise HarnessError(f"{repository}: the {kind} {oid} holds something else")
        place += 1
    return found


def _request(oids: Iterable[str]) -> bytes:
    return "".join(f"{oid}\n" for oid in oids).encode("ascii")


def _refuse(rows: list[_Row], what: str, label: str, mode: int) -> None:
    found = [shown(row.path) for row in rows if row.mode == mode]
    if found:
        raise _refusal(what, label, found)


def _refuse_pointers(tree: dict[str, Entry], label: str) -> None:
    found = [shown(path) for path in sorted(tree) if _POINTER.fullmatch(tree[path].data)]
    if found:
        what = "the repository keeps files by Git LFS, which are not fetched"
        raise _refusal(what, label, found)


def _refusal(what: str, label: str, found: list[str]) -> UserError:
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return UserError(
        what, where=label, given=", ".join(found[:_NAMED]) + more,
        expected="a commit whose own tree holds every file",
        hint="give the source as a package archive (source.archive) that holds them",
    )  # fmt: skip


def _date(head: bytes, who: bytes) -> str:
    # A commit's header ends at the first empty line; the message may hold anything.
    header = head.split(b"\n\n", 1)[0]
    found = re.search(rb"^%s .*> (-?\d+) [+-]\d+$" % who, header, re.MULTILINE)
    if not found:
        return ""
    try:
        moment = datetime.fromtimestamp(int(found[1]), UTC)
    except (ValueError, OverflowError, OSError):
        return ""  # no year of four digits: git takes any number
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
