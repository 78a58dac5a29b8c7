"""Packs a finished run as a folder and as one deterministic archive.

The archive is a plain tar: a compressor's bytes depend on its version, and the tables in it are
compressed already. Left out is what anybody makes from the rest: the target's source (its identity
is there), and in a lean publication the large tables that follow from it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from assay.core.errors import UserError
from assay.core.files import read_json, sha256_file, write_json, write_text
from assay.core.locks import owned
from assay.images.names import LOCKS, image_name, read_lock
from assay.provenance.publication import (
    CONFIG,
    DIGESTS,
    FORMAT,
    INDEX,
    KIND,
    MANIFEST,
    faults,
    open_publication,
)
from assay.sources import tree

LEFT_OUT = ("fetch_source/*/source.tar",)
LEFT_OUT_LEAN = (*LEFT_OUT, "index_api/*/api_index.parquet", "summarise_scores/assay.sqlite")


@dataclass(frozen=True)
class Published:
    """Where a publication was written; `archive` is None where none was wanted."""

    folder: Path
    archive: Path | None
    size: int


def publish(
    root: Path, repository: Path, to: Path, *, lean: bool = False, archive: bool = True
) -> Published:
    """Write `to`/<run>/ and `to`/<run>.tar for the finished run in `root` (results/<run>).

    Raises UserError for a run that is unfinished, under way, or not what its manifest says.
    """
    manifest = finished(root)
    target = to / root.name
    if target.exists() and not (target / INDEX).is_file():
        raise UserError(
            "the folder to publish into holds something else", where=target, hint="give another TO="
        )
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to, prefix=f".{root.name}-") as scratch:
        folder = Path(scratch) / root.name
        for name, source in sorted(_sources(root, repository, manifest, lean=lean)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / name)
        _describe(folder, root, manifest)
        _evened(folder)
        wrong = list(faults(open_publication(folder, Path(scratch))))
        if wrong:
            raise UserError("the run changed while it was packed", given=wrong[0])
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)
    packed = to / f"{root.name}.tar" if archive else None
    if packed:
        tree.write(packed, _tree(target))
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    return Published(target, packed, size)


def finished(root: Path) -> dict[str, Any]:
    """Return the manifest of a run, or raise UserError if it is not finished and unchanged."""
    path = root / "pack_manifest" / "manifest.json"
    again = "`make run` (with the same CONFIG) finishes it"
    if owned(root.with_name(f".{root.name}.lock")):
        raise UserError("the run is under way", where=root, hint="wait until it has ended")
    if not path.is_file():
        raise UserError("the run is not finished: it has no manifest", where=path, hint=again)
    manifest: dict[str, Any] = read_json(path)
    for entry in manifest["files"]:
        file = root / entry["path"]
        if not file.is_file():
            raise UserError("the run is not finished: a file is missing", where=file, hint=again)
        found = sha256_file(file)
        if found != entry["sha256"]:
            raise UserError(
                "the run is not what its manifest says", where=file, given=f"sha256 {found}",
                expected=f"sha256 {entry['sha256']}", hint=f"delete the file; {again}",
            )  # fmt: skip
    return manifest


def _sources(
    root: Path, repository: Path, manifest: Mapping[str, Any], *, lean: bool
) -> Iterator[tuple[str, Path]]:
    """Yield the place in the publication and the file that is copied there."""
    yield MANIFEST, root / "pack_manifest" / "manifest.json"
    patterns = LEFT_OUT_LEAN if lean else LEFT_OUT
    for entry in manifest["files"]:
        if not any(fnmatch(entry["path"], pattern) for pattern in patterns):
            yield f"results/{entry['path']}", root / entry["path"]
    recipes = set()
    for image in sorted(manifest["inputs"]["images"]):
        base = image.rpartition("-")[0]
        if image_name(base, repository) != image:
            raise UserError(
                "the locks have changed since the run", where=repository / LOCKS, given=image,
                expected=image_name(base, repository), hint="run again, then publish",
            )  # fmt: skip
        recipes |= {f"{LOCKS.as_posix()}/{base}.lock.json", *read_lock(repository, base)["inputs"]}
    yield from ((f"recipes/{name}", repository / name) for name in sorted(recipes))


def _describe(folder: Path, root: Path, manifest: Mapping[str, Any]) -> None:
    """Write what is made for the publication: config, fingerprints, digests, index."""
    write_json(folder / CONFIG, manifest["config"])
    for model in sorted(manifest["config"]["models"]):
        found = read_json(root / "telemetry" / "run_model" / model / "fingerprint.json")
        kept = {name: found[name] for name in ("id", "model", "fingerprint")}
        write_json(folder / "fingerprints" / f"{model}.json", kept)
    held = {
        entry["path"]
        for entry in manifest["files"]
        if (folder / "results" / entry["path"]).is_file()
    }
    left = [entry["path"] for entry in manifest["files"] if entry["path"] not in held]
    write_text(folder / DIGESTS, "".join(f"{line}\n" for line in _digests(folder, manifest, left)))
    files = [
        {"path": name, "sha256": sha256_file(path), "size": path.stat().st_size}
        for name, path in _files(folder)
    ]
    write_json(
        folder / INDEX,
        {"kind": KIND, "format": FORMAT, "run": root.name, "files": files, "left_out": left},
    )


def _digests(folder: Path, manifest: Mapping[str, Any], left: list[str]) -> Iterator[str]:
    summary = read_json(folder / "results" / "summarise_scores" / "summary.json")
    yield f"run {manifest['run']}"
    for name, target in sorted(summary["targets"].items()):
        counts = target["tasks"]
        by = ", ".join(f"{key} {count}" for key, count in sorted(counts["by_category"].items()))
        gone = target["rejected"]["total"]
        yield f"target {name}: {counts['total']} tasks ({by}), {gone} rejected"
    for name, model in sorted(summary["models"].items()):
        yield f"model {name}: {model['passed']}/{model['total']} passed, {model['void']} void"
    for name, code in sorted(manifest["code"].items()):
        yield f"code {name} {code}"
    for entry in sorted(manifest["files"], key=lambda entry: str(entry["path"])):
        mark = " (not in here)" if entry["path"] in left else ""
        yield f"{entry['sha256']}  {entry['path']}{mark}"


def _files(folder: Path) -> list[tuple[str, Path]]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return sorted((name, path) for name, path in found.items() if path.is_file())


def _evened(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    folder.chmod(0o755)


def _tree(folder: Path) -> dict[str, tree.Entry]:
    """Return the folder as the entries of a canonical tar, below its own name."""
    entries = {folder.name: tree.Entry(tree.FOLDER)}
    for path in folder.rglob("*"):
        name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
        entries[name] = (
            tree.Entry(tree.FOLDER) if path.is_dir() else tree.Entry(tree.FILE, path.read_bytes())
        )
    return entries
