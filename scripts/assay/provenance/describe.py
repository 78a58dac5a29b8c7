"""Describes a publication in the standards' own terms, beside what is deterministic in it.

Into the publication's folder go
    ro-crate-metadata.json           Provenance Run Crate (`crate`)
    provenance/attestation.json      in-toto statement in a DSSE envelope (`attestation`)
    provenance/croissant.json        Croissant metadata of the task set (`croissant`)
    provenance/sbom/<image>.cdx.json CycloneDX bill of each image (`sbom`)
    provenance/workflow/…            the workflow's text, which the crate refers to
publication.json does not list them: they hold a date, perhaps a signature, and prove nothing that
`make verify` does not.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from assay.core.errors import UserError
from assay.core.files import read_json, sha256_file, write_json
from assay.provenance import attestation, crate, croissant, sbom
from assay.provenance.publication import (
    BESIDE,
    CRATE,
    faults,
    open_publication,
)


def describe(
    folder: Path, repository: Path, published: datetime, key: Path | None = None
) -> list[Path]:
    """Write the descriptions into a publication's folder; return them.

    repository: the checkout whose Snakefile and rules are copied in; whether they are those that
                made the run is for `make verify` to say (its line `code`)
    published:  goes in where a standard asks for a date; nothing else says when anything was made
    key:        private key (PEM) to sign the attestation with
    Raises UserError for what is no folder with a sound publication in it.
    """
    if not folder.is_dir():
        raise UserError("descriptions go into a publication's folder", where=folder,
                        hint="give FROM=the folder that `make publish` wrote")  # fmt: skip
    publication = open_publication(folder, folder)  # a folder needs no place to be unpacked in
    wrong = list(faults(publication))
    if wrong:
        raise UserError("the publication is damaged", where=folder, given=wrong[0])
    manifest, out = publication.manifest, folder / BESIDE
    bills = {image: sbom.bill(lock) for image, lock in _locks(folder)}
    digests = {name: sha256_file(folder / path) for name, path in attestation.SUBJECTS.items()}
    sealed = attestation.envelope(attestation.statement(digests, manifest), key)
    about = croissant.described(manifest, _tables(folder), published)
    shutil.rmtree(out, ignore_errors=True)
    for image, bill in bills.items():
        write_json(out / "sbom" / f"{image}.cdx.json", bill)
    write_json(out / attestation.ATTESTATION, sealed)
    write_json(out / "croissant.json", json.loads(json.dumps(about, default=str)))
    shutil.copytree(repository / "rules", out / "workflow" / "rules")
    shutil.copyfile(repository / "Snakefile", out / "workflow" / "Snakefile")
    made = crate.crate(
        manifest, dict(_files(folder)), f"{BESIDE}/workflow/Snakefile", _licence(manifest),
        published,
    )  # fmt: skip
    write_json(folder / CRATE, made)
    return [folder / CRATE, *sorted(path for path in out.rglob("*") if path.is_file())]


def _locks(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield image and lock of each image of the run, as published."""
    for path in sorted((folder / "recipes/containers/locks").glob("*.lock.json")):
        lock = read_json(path)
        yield lock["result"]["image"], lock


def _tables(folder: Path) -> dict[str, dict[str, str]]:
    """Return path -> column -> Arrow type of the task tables."""
    found = {}
    for path in sorted((folder / "results" / "select_tasks").rglob("*.parquet")):
        schema = pq.read_schema(path)
        columns = {name: str(schema.field(name).type) for name in schema.names}
        found[path.relative_to(folder).as_posix()] = columns
    return found


def _licence(manifest: Mapping[str, Any]) -> str:
    """Return the licences of the sources that the tasks quote, as an SPDX expression."""
    sources = manifest["inputs"]["sources"].values()
    found = sorted({source["licence"]["spdx"] for source in sources if source["licence"]["spdx"]})
    return " AND ".join(found) or "the sources' licences are not known; see source.json"


def _files(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != CRATE:
            yield name, {"sha256": sha256_file(path), "size": path.stat().st_size}
