"""A target's source, fetched and checked, as `source.tar` and the record about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.core.errors import UserError
from assay.core.files import sha256_file, write_json
from assay.sources import swhid, tree
from assay.sources.archive import read_archive
from assay.sources.commit import read_commit
from assay.sources.git import fetched
from assay.sources.index import Index, redacted
from assay.sources.licence import licence, metadata
from assay.sources.store import local_chunks, local_path, stored

MAX_UNPACKED_MB = 512
Record = dict[str, Any]


def fetch(settings: Mapping[str, Any], cache: Path, source: Path, record: Path) -> None:
    """Write the canonical tree of `settings["source"]` and the record about it.

    settings: a target's config; its `source` has `archive` (package, version, file, sha256; or
        path, sha256) or `git` (url, commit), and optionally `max_unpacked_mb`
    Raises UserError for whatever of this can't be had as pinned.
    """
    spec = settings.get("source", {})
    kinds = [kind for kind in ("archive", "git") if kind in spec]
    if len(kinds) != 1:
        raise UserError(
            "a target has one source", where="source", given=" and ".join(kinds) or "neither",
            expected="archive | git",
        )  # fmt: skip
    limit = int(spec.get("max_unpacked_mb", MAX_UNPACKED_MB)) * 1_000_000
    read = _from_archive if kinds == ["archive"] else _from_git
    members, facts = read(spec[kinds[0]], cache, limit)
    if not any(entry.mode != tree.FOLDER for entry in members.values()):
        raise UserError("the source is empty: it holds no file", where=facts["label"])
    tree.write(source, members)
    write_json(record, _record(kinds[0], members, facts) | {"source_sha256": sha256_file(source)})


def _from_archive(
    spec: Mapping[str, Any], cache: Path, limit: int
) -> tuple[dict[str, tree.Entry], Record]:
    path = local_path(spec["path"]) if "path" in spec else None
    label = path.name if path else str(spec["file"])
    place = stored(
        cache, spec["sha256"], label,
        lambda: local_chunks(path) if path else Index().chunks(spec),
    )  # fmt: skip
    members, newest = read_archive(place, label, limit)
    fields = metadata(members)
    name, version = (fields.get(field, [None])[0] for field in ("Name", "Version"))
    _agree(label, "package", spec.get("package"), name)
    _agree(label, "version", spec.get("version"), version)
    return members, {
        "label": label,
        "name": spec.get("package", name),
        "version": spec.get("version", version),
        "file": label,
        "archive_sha256": spec["sha256"],
        "dates": {"newest_member": newest},
    }


def _from_git(
    spec: Mapping[str, Any], cache: Path, limit: int
) -> tuple[dict[str, tree.Entry], Record]:
    url, commit = str(spec["url"]), str(spec["commit"])
    label = f"{redacted(url)} at {commit}"
    found = read_commit(fetched(url, commit, cache), commit, label, limit)
    return found.tree, {
        "label": label,
        "url": redacted(url),
        "commit": commit,
        "tree": found.tree_id,
        "dates": {"committed": found.committed, "authored": found.authored},
    }


def _record(kind: str, members: dict[str, tree.Entry], facts: Record) -> Record:
    kinds = [tree.kind(entry) for entry in members.values()]
    names = ("name", "version", "file", "archive_sha256", "url", "commit", "tree")
    dates = ("newest_member", "committed", "authored")
    return {
        "kind": kind,
        **{name: facts.get(name) for name in names},
        "swhid": {
            "directory": swhid.directory(members),
            "revision": swhid.revision(facts["commit"]) if "commit" in facts else None,
        },
        "licence": licence(members),
        "dates": {name: facts["dates"].get(name) for name in dates},
        "files": kinds.count(tree.FILE) + kinds.count(tree.PROGRAM),
        "links": kinds.count(tree.LINK),
        "bytes": sum(len(entry.data) for entry in members.values()),
    }


def _agree(label: str, what: str, given: object, found: str | None) -> None:
    def plain(text: object) -> str:
        return re.sub(r"[-_.]+", "-", str(text)).lower()

    if given is not None and found is not None and plain(given) != plain(found):
        raise UserError(
            f"the archive's own metadata names another {what}", where=label, given=given,
            expected=found, hint=f"correct source.archive.{what} of the target",
        )  # fmt: skip
