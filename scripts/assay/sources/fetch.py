"""A target's source, fetched and checked, as `source.tar` and the record about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.core.errors import HarnessError, UserError
from assay.core.files import sha256_file, write_json
from assay.core.progress import say
from assay.sources import swhid, tree
from assay.sources.archive import read_archive
from assay.sources.commit import read_commit
from assay.sources.git import fetched
from assay.sources.index import Index, redacted
from assay.sources.licence import licence, metadata
from assay.sources.store import local_chunks, local_path, stored

MAX_UNPACKED_MB = 512
_NAMED = 5
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
    _check_python(members, facts["label"])
    tree.write(source, members)
    write_json(record, _record(kinds[0], members, facts) | {"source_sha256": sha256_file(source)})


def _from_archive(
    spec: Mapping[str, Any], cache: Path, limit: int
) -> tuple[dict[str, tree.Entry], Record]:
    _check_archive(spec)
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
    repository = fetched(url, commit, cache)
    try:
        found = read_commit(repository, commit, label, limit)
    except HarnessError as error:
        say(f"the cache is damaged: it is fetched again ({error})")
        found = read_commit(fetched(url, commit, cache, anew=True), commit, label, limit)
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


def _check_archive(spec: Mapping[str, Any]) -> None:
    missing = [name for name in ("package", "version", "file") if name not in spec]
    if missing and "path" not in spec:
        raise UserError(
            "the source archive is not named in full", where="source.archive",
            given=f"no {', no '.join(missing)}", expected="package, version, file | path",
        )  # fmt: skip


def _check_python(members: Mapping[str, tree.Entry], label: str) -> None:
    files = [path for path, entry in members.items() if entry.mode != tree.FOLDER]
    if not files:
        raise UserError("the source is empty: it holds no file", where=label)
    if not any(path.endswith(".py") for path in files):
        raise UserError(
            "the source holds no Python", where=label,
            given=", ".join(tree.shown(path) for path in tree.ordered(files)[:_NAMED]),
            expected="at least one .py file",
            hint="tasks are made from Python code; take the archive or commit that holds it",
        )  # fmt: skip


def _agree(label: str, what: str, given: object, found: str | None) -> None:
    def plain(text: object) -> str:
        return re.sub(r"[-_.]+", "-", str(text)).lower()

    if given is not None and found is not None and plain(given) != plain(found):
        raise UserError(
            f"the archive's own metadata names another {what}", where=label, given=given,
            expected=found, hint=f"correct source.archive.{what} of the target",
        )  # fmt: skip
