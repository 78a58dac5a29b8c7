"""An in-toto statement about a publication, with SLSA provenance, in a DSSE envelope.

Standards: in-toto Attestation Framework v1, SLSA Provenance v1 (https://slsa.dev/spec/v1.0),
DSSE v1 (https://github.com/secure-systems-lab/dsse). A signature is optional: it says who vouches
for the publication. What it holds is shown by rebuilding it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]

from assay.core.errors import UserError
from assay.core.files import canonical_json, read_json, sha256_file
from assay.core.weights import files_of
from assay.provenance.publication import BESIDE, INDEX, MANIFEST

ATTESTATION = "attestation.json"
SUBJECTS = {"manifest.json": MANIFEST, INDEX: INDEX}  # name -> file of a publication
PREDICATE = "https://slsa.dev/provenance/v1"
PAYLOAD = "application/vnd.in-toto+json"
BUILD_TYPE = "urn:assay:make-run:1"
BUILDER = "urn:assay:workflow"


def statement(digests: Mapping[str, str], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the statement: what was made (name -> sha256) and, from the manifest, of what.

    Raises ValueError or `json_format.ParseError` for what is no such statement.
    """
    predicate = {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": manifest["config"],
            "internalParameters": {"code": manifest["code"]},
            "resolvedDependencies": list(_dependencies(manifest["inputs"])),
        },
        "runDetails": {"builder": {"id": BUILDER}},
    }
    checked = json_format.ParseDict(predicate, provenance_pb2.Provenance())
    subjects = [
        ResourceDescriptor(name=name, digest={"sha256": digest}).pb
        for name, digest in sorted(digests.items())
    ]
    made = Statement(subjects, PREDICATE, json_format.MessageToDict(checked))
    made.validate()
    found: dict[str, Any] = json_format.MessageToDict(made.pb)
    return found


def _dependencies(inputs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a resource descriptor of each source, image and weights file."""
    for name, source in sorted(inputs["sources"].items()):
        digest = {"sha256": source["source_sha256"]}
        if source["commit"]:
            digest["gitCommit"] = source["commit"]
        about = {"swhid": source["swhid"]["directory"]}
        yield {"name": f"source/{name}", "digest": digest, "annotations": about}
    for name, image in sorted(inputs["images"].items()):
        yield {"name": f"image/{name}", "digest": {"sha256": image["sha256"]}}
    for name, model in sorted(inputs["weights"].items()):
        for file in files_of(model["weights"]) if model.get("weights") else ():
            of = f"{name}/{file.name}" if file.name else name
            yield {"name": f"weights/{of}", "digest": {"sha256": file.sha256}}


def envelope(content: Mapping[str, Any], key: Path | None = None) -> dict[str, Any]:
    """Return the DSSE envelope of a statement, signed where a private key (PEM) is given.

    Raises UserError for a file that holds no private key without a passphrase.
    """
    made = Envelope(canonical_json(content).encode(), PAYLOAD, {})
    if key is not None:
        made.sign(_signer(key))
    found: dict[str, Any] = made.to_dict()
    return found


def opened(sealed: Mapping[str, Any], public: Path) -> bytes:
    """Return the payload of an envelope that a public key (PEM) has signed.

    Raises UserError where it has not, or where one of the two is damaged.
    """
    try:
        made = Envelope.from_dict({**sealed, "signatures": [dict(s) for s in sealed["signatures"]]})
        made.verify([_public(public)], 1)
    except (VerificationError, OSError, KeyError, ValueError, TypeError) as error:
        raise UserError(
            "the attestation is not signed by this key", where=public, given=str(error)[:200],
            hint="ask the publisher for the public key; what the publication holds is shown by "
            "`make verify`, with or without a signature",
        ) from error  # fmt: skip
    payload: bytes = made.payload
    return payload


def vouched(folder: Path, public: Path) -> dict[str, str]:
    """Return file -> sha256 of what a described publication's attestation vouches for.

    Raises UserError where it has none, none by this key, or a file is not what was signed.
    """
    place = folder / BESIDE / ATTESTATION
    if not place.is_file():
        raise UserError(
            "the publication has no attestation", where=place,
            hint="`make provenance FROM=folder KEY=key.pem` makes one",
        )  # fmt: skip
    content = json.loads(opened(read_json(place), public))
    signed = {one["name"]: one["digest"]["sha256"] for one in content["subject"]}
    for name, path in SUBJECTS.items():
        file = folder / path
        found = sha256_file(file) if file.is_file() else "no such file"
        if found != signed.get(name):
            raise UserError(
                f"{name} is not what was signed", where=file, given=f"sha256 {found}",
                expected=f"sha256 {signed.get(name)}",
            )  # fmt: skip
    return signed


def _signer(key: Path) -> CryptoSigner:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        loaded = load_pem_private_key(key.read_bytes(), None)
        return CryptoSigner(loaded)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            "this is no private key to sign with", where=key, given=str(error)[:200],
            expected="an Ed25519, ECDSA or RSA key in a PEM file without a passphrase",
            hint="openssl genpkey -algorithm ed25519 -out key.pem",
        ) from error  # fmt: skip


def _public(path: Path) -> SSlibKey:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return SSlibKey.from_crypto(load_pem_public_key(path.read_bytes()))
