"""The tree of a commit, read from git's objects and checked against the commit's id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from assay.core.errors import HarnessError, UserError
from assay.sources.assembly import Assembly
from assay.sources.git import git
from assay.sources.swhid import git_object_id, tree_id
from assay.sources.tree import FOLDER, Entry, decoded, shown

SUBMODULE = 0o160000
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
    size: int
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
    head = git(repository, "cat-file", "commit", commit).stdout
    if git_object_id("commit", head) != commit:
        raise HarnessError(f"{repository}: the objects do not add up to commit {commit}")
    rows = _rows(repository, commit)
    _refuse(rows, "the repository has submodules, which are not fetched", label, SUBMODULE)
    assembly = Assembly(label, limit)
    for row in rows:
        assembly.take(row.size)
    for row, data in zip(rows, _blobs(repository, rows), strict=True):
        assembly.add(row.path, row.mode, data)
    tree = assembly.tree(strip=False)
    _refuse_pointers(tree, label)
    expected = head.split(b"\n", 1)[0].removeprefix(b"tree ").decode("ascii")
    if tree_id(tree) != expected:
        raise HarnessError(f"{repository}: the objects do not add up to tree {expected}")
    return Commit(tree, expected, _date(head, b"committer"), _date(head, b"author"))


def _rows(repository: Path, commit: str) -> list[_Row]:
    listing = git(repository, "ls-tree", "-r", "-t", "-z", "-l", "--full-tree", commit)
    if listing.returncode:
        raise HarnessError(f"{repository}: {listing.stderr.decode('utf-8', 'replace')}")
    rows = []
    for line in listing.stdout.split(b"\0")[:-1]:
        facts, _, path = line.partition(b"\t")
        mode, _, oid, size = facts.split()
        length = 0 if size == b"-" else int(size)
        rows.append(_Row(int(mode, 8), oid.decode("ascii"), length, decoded(path)))
    return rows


def _blobs(repository: Path, rows: list[_Row]) -> list[bytes]:
    wanted = [row for row in rows if row.mode != FOLDER]
    request = "".join(f"{row.oid}\n" for row in wanted).encode("ascii")
    output = git(repository, "cat-file", "--batch", stdin=request).stdout
    blobs, place = [], 0
    for row in rows:
        if row.mode == FOLDER:
            blobs.append(b"")
            continue
        header = f"{row.oid} blob {row.size}\n".encode("ascii")
        start = place + len(header)
        end = start + row.size
        if output[place:start] != header or output[end : end + 1] != b"\n":
            raise HarnessError(f"{repository}: can't read {row.oid}, {shown(row.path)}")
        blobs.append(output[start:end])
        place = end + 1
    return blobs


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
