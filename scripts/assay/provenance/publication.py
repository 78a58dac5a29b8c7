"""What a publication is, and how one is read that somebody else has made.

A folder, or the same as one canonical tar:
    publication.json        what it is, and the digest of every other file in it
    results/<path>          the files of the run, as its manifest lists them
    results/pack_manifest/manifest.json
    config.json             the recorded config
    fingerprints/<model>.json   the engine's fingerprint in full, whose id stands in each row
    recipes/<path>          recipes, locks and requirements of the images
    digests.txt             digests and counts, for people
    ro-crate-metadata.json, provenance/…    if it was described (`describe`); not looked at here
A bare manifest.json is read too: a publication that holds no file. Nothing in it is trusted.
"""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from assay.core.errors import UserError
from assay.core.files import canonical_json, read_json, sha256_file, sha256_text
from assay.provenance.manifest import FORMAT as MANIFEST_FORMAT
from assay.provenance.manifest import inputs
from assay.sources import tree

KIND, FORMAT = "assay publication", 1
INDEX, CONFIG, DIGESTS = "publication.json", "config.json", "digests.txt"
CRATE, BESIDE = "ro-crate-metadata.json", "provenance"  # of `describe`: dated, not listed
MANIFEST = "results/pack_manifest/manifest.json"

_PART = r"[A-Za-z0-9][A-Za-z0-9._@+-]*"
_NAME = {"type": "string", "pattern": rf"^{_PART}$", "maxLength": 64}
# No part starts with a dot, so no path leads out of the folder that it is put into.
_PATH = {"type": "string", "pattern": rf"^{_PART}(/{_PART})*$"}
_DIGEST = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_FILES = {
    "type": "array",
    "items": {
        "type": "object", "required": ["path", "sha256", "size"],
        "properties": {"path": _PATH, "sha256": _DIGEST, "size": {"type": "integer"}},
    },
}  # fmt: skip
_NAMED = {"type": "object", "propertyNames": _NAME, "additionalProperties": {"type": "object"}}
_MANIFEST = {
    "type": "object",
    "required": ["format", "run", "config", "code", "inputs", "files"],
    "properties": {
        "run": _NAME, "files": _FILES, "inputs": {"type": "object"},
        "code": {"type": "object", "additionalProperties": {"type": "string"}},
        "config": {
            "type": "object", "required": ["config", "targets", "models"],
            "properties": {"config": {"type": "object"}, "targets": _NAMED, "models": _NAMED},
        },
    },
}  # fmt: skip
_INDEX = {
    "type": "object",
    "required": ["kind", "format", "run", "files", "left_out"],
    "properties": {"run": _NAME, "files": _FILES, "left_out": {"type": "array", "items": _PATH}},
}  # fmt: skip
_GIVE = "give the folder or the archive that `make publish` wrote, or a run's manifest.json"


@dataclass(frozen=True)
class Publication:
    """A manifest, and the folder with what was published beside it (None: nothing was)."""

    manifest: Mapping[str, Any]
    index: Mapping[str, Any] | None = None
    folder: Path | None = None

    @property
    def run(self) -> str:
        """Return the run's name."""
        return str(self.manifest["run"])

    @property
    def entries(self) -> dict[str, dict[str, Any]]:
        """Return the manifest's entries by path, relative to the run's folder."""
        return {entry["path"]: entry for entry in self.manifest["files"]}

    def file(self, path: str) -> Path | None:
        """Return a published file of the run, or None if it was not published."""
        found = self.folder / "results" / path if self.folder else None
        return found if found and found.is_file() else None

    def fingerprint(self, model: str) -> dict[str, Any] | None:
        """Return the published fingerprint of a model's engine, or None without one."""
        path = self.folder / "fingerprints" / f"{model}.json" if self.folder else None
        found: dict[str, Any] | None = read_json(path) if path and path.is_file() else None
        return found


def open_publication(against: Path, scratch: Path) -> Publication:
    """Read a folder, an archive (unpacked into the empty folder `scratch`) or a manifest.

    Raises UserError if it is missing, cut short, not of Assay or of another version. Whether the
    bytes are those that it promises is for `faults` to say.
    """
    if not against.exists():
        raise UserError("there is nothing to verify against", where=against, hint=_GIVE)
    if against.is_file() and against.suffix == ".json":
        return Publication(_manifest(against))
    folder = against if against.is_dir() else _unpacked(against, scratch)
    if not (folder / INDEX).is_file():
        raise UserError(
            "this is no publication of Assay", where=against, expected=f"{INDEX} in it", hint=_GIVE
        )
    index = read_json(folder / INDEX)
    _check(index, _INDEX, FORMAT, folder / INDEX)
    if index["kind"] != KIND:
        raise UserError(
            "this is no publication of Assay",
            where=against,
            given=repr(index["kind"])[:80],
            expected=KIND,
        )
    return Publication(_manifest(folder / MANIFEST), index, folder)


def faults(publication: Publication) -> Iterator[str]:
    """Yield each way in which the files are not what index and manifest say."""
    index, folder = publication.index, publication.folder
    if index is None or folder is None:
        return
    wrong = list(_bytes(publication, index, folder))
    yield from wrong or _contradictions(publication, folder)


def _bytes(publication: Publication, index: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """Yield each file that is missing, too many, or of another digest than it is listed with."""
    listed = {entry["path"]: entry for entry in index["files"]}
    there = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    )
    yield from (
        f"{name}: {INDEX} does not list it"
        for name in there
        if name not in {*listed, INDEX, CRATE} and not name.startswith(f"{BESIDE}/")
    )
    for name, entry in sorted(listed.items()):
        yield from _wrong(folder, name, entry, INDEX)
    for name, entry in sorted(publication.entries.items()):
        if name not in index["left_out"] or publication.file(name):
            yield from _wrong(folder, f"results/{name}", entry, "the manifest")


def gaps(publication: Publication) -> Iterator[str]:
    """Yield what a manifest of this config has to list and does not: nothing may be dropped."""
    config = publication.manifest["config"]
    targets, models = sorted(config["targets"]), sorted(config["models"])
    wanted = ["summarise_scores/summary.json", *(f"fetch_source/{t}/source.json" for t in targets)]
    wanted += [f"select_tasks/{t}/{name}.parquet" for t in targets for name in ("tasks", "keys")]
    wanted += [f"run_model/{m}/responses.parquet" for m in models]
    wanted += [f"score_answers/{m}/{t}/verdicts.parquet" for m in models for t in targets]
    yield from (
        f"{name}: the manifest does not list it"
        for name in wanted
        if name not in publication.entries
    )


def _contradictions(publication: Publication, folder: Path) -> Iterator[str]:
    """Yield where two files of the publication say different things."""
    manifest = publication.manifest
    held = [name for name in publication.entries if publication.file(name)]
    if canonical_json(inputs(folder / "results", held)) != canonical_json(manifest["inputs"]):
        yield f"{MANIFEST}: its `inputs` are not what the receipts say"
    path = folder / CONFIG
    if not path.is_file() or canonical_json(read_json(path)) != canonical_json(manifest["config"]):
        yield f"{CONFIG}: it is not the manifest's config"
    for model in sorted(manifest["config"]["models"]):
        found = publication.fingerprint(model) or {"id": None, "fingerprint": None}
        if found["id"] != sha256_text(canonical_json(found["fingerprint"]))[:16]:
            yield f"fingerprints/{model}.json: its id is not that of the fingerprint"


def _wrong(folder: Path, name: str, entry: Mapping[str, Any], by: str) -> Iterator[str]:
    path = folder / name
    if path.is_symlink() or not path.is_file():
        yield f"{name}: missing, though {by} lists it"
        return
    found = sha256_file(path)
    if found != entry["sha256"]:
        yield f"{name}: sha256 {found[:12]}…, {by} says {entry['sha256'][:12]}…"


def _manifest(path: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = read_json(path)
    _check(manifest, _MANIFEST, MANIFEST_FORMAT, path)
    return manifest


def _check(value: Any, schema: Mapping[str, Any], known: int, where: Path) -> None:
    if not isinstance(value, dict) or "format" not in value:
        raise UserError("this is no file of Assay", where=where, hint=_GIVE)
    if value["format"] != known:
        raise UserError(
            "another version of Assay wrote this", where=where,
            given=f"format {value['format']!r:.40}",
            expected=f"format {known}", hint="verify with the version that wrote it",
        )  # fmt: skip
    errors = sorted(
        Draft202012Validator(schema).iter_errors(value), key=lambda error: error.json_path
    )
    if errors:
        raise UserError(
            "the file is not of the form that it says", where=f"{where}: {errors[0].json_path}",
            given=errors[0].message[:200], hint=_GIVE,
        )  # fmt: skip


def _unpacked(archive: Path, scratch: Path) -> Path:
    """Unpack a canonical tar of plain files; nothing of it can lie outside of `scratch`."""
    folder = Path(tempfile.mkdtemp(dir=scratch, prefix="published-"))
    check = Draft202012Validator(_PATH)
    try:
        _check_members(archive)
        for name, entry in tree.read(archive):
            path = folder / name
            if tree.kind(entry) == tree.FOLDER:
                path.mkdir()
            elif tree.kind(entry) != tree.FILE or not check.is_valid(name) or path.exists():
                raise UserError("a publication holds plain files only", where=repr(name))
            else:
                path.write_bytes(entry.data)
    except (UserError, OSError, tarfile.TarError) as error:
        raise UserError(
            "this is no archive of Assay, or it is cut short", where=archive,
            given=str(error).replace("\n", ";")[:300],
            hint="fetch it again, and compare its sha256 with the publisher's",
        ) from error  # fmt: skip
    tops = sorted(folder.iterdir())
    return tops[0] if len(tops) == 1 else folder


def _check_members(archive: Path) -> None:
    """Raise UserError for a link, a device or a sparse file before anything of it is read."""
    with tarfile.open(archive, mode="r:") as members:
        for member in members:
            if not (member.isdir() or member.isreg()) or member.issparse():
                raise UserError("a publication holds plain files only", where=repr(member.name))
