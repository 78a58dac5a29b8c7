"""A publication in the standards' own terms, each document before its own validator, offline."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import mlcroissant
import pytest
import requests_cache
import rocrate
import urllib3
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from requests.adapters import HTTPAdapter
from rocrate_validator import services
from rocrate_validator.models import Severity

from assay.core.errors import UserError
from assay.core.files import read_json, sha256_file, write_json
from assay.provenance import attestation, crate, sbom
from assay.provenance.describe import describe
from assay.provenance.publication import faults, open_publication

REPOSITORY = Path(__file__).resolve().parents[2]
PUBLISHED = REPOSITORY / "results" / "published" / "reference"
DAY = datetime(2026, 11, 26, tzinfo=UTC)
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
# The library carries the context of RO-Crate 1.3; in 1.1 these four terms had other addresses.
TERMS = {
    "terms/ComputationalWorkflow": "ComputationalWorkflow", "terms/FormalParameter":
    "FormalParameter", "terms/input": "ComputationalWorkflow#input",
    "terms/output": "ComputationalWorkflow#output",
}  # fmt: skip


@pytest.fixture(scope="module")
def described(tmp_path_factory) -> Path:
    """The committed reference run, described."""
    folder = tmp_path_factory.mktemp("described") / "reference"
    shutil.copytree(PUBLISHED, folder)
    describe(folder, REPOSITORY, DAY)
    return folder


class Carried(HTTPAdapter):
    """Answers every request with the context that the library carries."""

    def send(self, request, **_):
        text = (Path(rocrate.__file__).parent / "data/ro-crate.jsonld").read_text()
        for new, old in TERMS.items():
            text = text.replace(
                f'"https://bioschemas.org/{new}"', f'"https://bioschemas.org/{old}"'
            )
        raw = urllib3.HTTPResponse(
            io.BytesIO(text.encode()), {"Content-Type": "application/ld+json"}, 200,
            preload_content=False,
        )  # fmt: skip
        return self.build_response(request, raw)


@pytest.fixture(scope="module")
def issues(tmp_path_factory):
    """Return a function that gives what the crate's validator finds wrong, without a network."""
    cache = tmp_path_factory.mktemp("contexts") / "cache"
    with requests_cache.CachedSession(str(cache), backend="sqlite", expire_after=-1) as session:
        session.mount("https://", Carried())
        session.get(CONTEXT)

    def find(folder: Path) -> list[str]:
        settings = services.ValidationSettings(
            rocrate_uri=str(folder), profile_identifier="provenance-run-crate",
            requirement_severity=Severity.REQUIRED, offline=True, cache_path=cache,
        )  # fmt: skip
        return [str(issue.message) for issue in services.validate(settings).get_issues()]

    return find


@pytest.mark.slow
def test_the_crate_is_a_provenance_run_crate_and_the_validator_can_tell(
    described, issues, tmp_path
):
    assert issues(described) == []
    broken = shutil.copytree(described, tmp_path / "broken")
    graph = read_json(broken / "ro-crate-metadata.json")
    step = next(one for one in graph["@graph"] if one["@id"] == "#step/run_model")
    del step["workExample"]
    write_json(broken / "ro-crate-metadata.json", graph)
    assert any("workExample" in issue for issue in issues(broken))


def test_the_crate_names_every_file_and_what_each_job_read(described):
    graph = {one["@id"]: one for one in read_json(described / "ro-crate-metadata.json")["@graph"]}
    files = {path.relative_to(described).as_posix() for path in described.rglob("*.*")}
    assert files - {"ro-crate-metadata.json"} <= graph.keys()
    for path in files - {"ro-crate-metadata.json"}:
        assert graph[path]["sha256"] == sha256_file(described / path)
    scored = graph["#job/score_answers/oracle/cerberus"]
    read = {one["@id"] for one in scored["object"]}
    assert "results/run_model/oracle/responses.parquet" in read
    assert "results/select_tasks/cerberus/keys.parquet" in read
    assert not [path for path in read if "/static/" in path or "/verdicts" in path]
    made = graph["#job/select_tasks/cerberus"]  # its shards are not published
    assert "results/record_behaviour/cerberus/scenarios.parquet" in {
        one["@id"] for one in made["object"]
    }


@pytest.mark.slow
def test_what_a_rule_reads_is_what_the_workflow_says(repository):
    command = [Path(sys.executable).with_name("snakemake"), "--rulegraph", "--cores", "1"]
    command += ["--config", 'models=["batch-example", "null"]']  # write_batch is of such a model
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    names, edges = {}, {}
    for line in done.stdout.splitlines():
        if "label = " in line:
            names[line.split("[")[0].strip()] = line.split('"')[1].split("\\n")[0]
        elif "->" in line:
            start, end = (part.strip(" ;\t") for part in line.split("->"))
            edges.setdefault(end, set()).add(start)
    found = {
        name: {names[one] for one in edges.get(node, ())} - {"build_image"}
        for node, name in names.items()
    }  # fmt: skip
    for rule, reads in crate.READS.items():
        assert set(reads) <= found[rule], rule
        assert found[rule] - set(reads) <= {"render_report"}, rule


def test_the_attestation_names_each_file_of_a_snapshot():
    manifest = read_json(PUBLISHED / "results/pack_manifest/manifest.json")
    files = [{"file": f"{name}.json", "sha256": name * 64, "size": 1} for name in "ab"]
    manifest["inputs"]["weights"] = {
        "m": {"weights": {"sha256": "c" * 64, "size": 2, "files": files}}
    }
    made = attestation.statement({"manifest.json": "0" * 64}, manifest)
    named = made["predicate"]["buildDefinition"]["resolvedDependencies"]
    weights = {one["name"]: one["digest"]["sha256"] for one in named if "weights" in one["name"]}
    assert weights == {"weights/m/a.json": "a" * 64, "weights/m/b.json": "b" * 64}


def test_the_attestation_is_a_statement_with_slsa_provenance(described):
    sealed = read_json(described / "provenance" / "attestation.json")
    assert sealed["payloadType"] == "application/vnd.in-toto+json"
    assert sealed["signatures"] == []
    content = json.loads(base64.b64decode(sealed["payload"]))
    made = Statement.copy_from_pb(json_format.ParseDict(content, statement_pb2.Statement()))
    made.validate()
    provenance = json_format.ParseDict(content["predicate"], provenance_pb2.Provenance())
    kept = {
        one.name: one.digest["sha256"] for one in provenance.build_definition.resolved_dependencies
    }
    weights = PUBLISHED / "results/fetch_model/smollm2-135m/receipt.json"
    assert kept["weights/smollm2-135m"] == read_json(weights)["weights"]["sha256"]
    assert {name.partition("/")[0] for name in kept} == {"source", "image", "weights"}
    subjects = {one["name"]: one["digest"]["sha256"] for one in content["subject"]}
    assert subjects == {
        "manifest.json": sha256_file(described / "results/pack_manifest/manifest.json"),
        "publication.json": sha256_file(described / "publication.json"),
    }
    with pytest.raises(json_format.ParseError):
        attestation.statement({"x": "0" * 64}, {
            "config": 3, "code": {}, "inputs": {"sources": {}, "images": {}, "weights": {}},
        })  # fmt: skip


@pytest.fixture
def keys(tmp_path):
    """Return a function that makes a pair of keys with openssl's own format."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    def make(name: str) -> tuple[Path, Path]:
        private, public = tmp_path / f"{name}.pem", tmp_path / f"{name}.pub"
        key, pem = Ed25519PrivateKey.generate(), serialization.Encoding.PEM
        private.write_bytes(key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ))  # fmt: skip
        public.write_bytes(key.public_key().public_bytes(
            pem, serialization.PublicFormat.SubjectPublicKeyInfo
        ))  # fmt: skip
        return private, public

    return make


def test_a_signature_holds_for_these_bytes_and_this_key_alone(keys, tmp_path):
    private, public = keys("ours")
    _, other = keys("theirs")
    sealed = attestation.envelope({"a": 1}, private)
    assert json.loads(attestation.opened(sealed, public)) == {"a": 1}
    changed = {**sealed, "payload": "eyJhIjogMn0="}
    for envelope, key in (
        (sealed, other),
        (changed, public),
        ({**sealed, "signatures": []}, public),
    ):
        with pytest.raises(UserError, match="not signed by this key"):
            attestation.opened(envelope, key)
    with pytest.raises(UserError, match="not signed by this key"):
        attestation.opened(sealed, tmp_path / "absent.pub")
    (tmp_path / "no.pem").write_text("nothing")
    for place in (tmp_path / "no.pem", tmp_path / "absent.pem", public):
        with pytest.raises(UserError, match="no private key to sign with"):
            attestation.envelope({}, place)


def test_who_vouches_for_a_publication_vouches_for_these_files(keys, tmp_path, repository):
    private, public = keys("ours")
    folder = shutil.copytree(PUBLISHED, tmp_path / "reference")
    describe(folder, REPOSITORY, DAY, private)
    program = [sys.executable, repository / "scripts/check_attestation.py", folder, "--key", public]
    there = {**os.environ, "PYTHONPATH": str(repository / "scripts")}

    def check():
        return subprocess.run(program, env=there, capture_output=True, text=True)

    done = check()
    assert done.returncode == 0, done.stderr
    assert f"publication.json: {sha256_file(folder / 'publication.json')}" in done.stdout
    (folder / "publication.json").write_text("{}")
    done = check()
    assert done.returncode == 2
    assert "publication.json is not what was signed" in done.stderr
    shutil.rmtree(folder / "provenance")
    assert "has no attestation" in check().stderr


@pytest.mark.slow
def test_the_task_set_can_be_read_by_croissants_own_library(described):
    path = described / "provenance" / "croissant.json"
    found = mlcroissant.Dataset(jsonld=path)
    assert not found.metadata.issues.errors
    (records,) = [one for one in found.metadata.record_sets if one.id.endswith("_tasks")]
    columns = {field.name for field in records.fields}
    assert {"task_id", "prompt", "stratum"} <= columns
    broken = read_json(path)
    broken["recordSet"][0]["field"][0]["source"]["fileObject"]["@id"] = "absent"
    write_json(path.with_name("broken.json"), broken)
    with pytest.raises(mlcroissant.ValidationError):
        mlcroissant.Dataset(jsonld=path.with_name("broken.json"))


def test_each_image_has_a_bill_of_materials_and_the_validator_can_tell(described):
    check = JsonStrictValidator(SchemaVersion.V1_6)
    bills = sorted((described / "provenance" / "sbom").iterdir())
    locks = sorted((described / "recipes/containers/locks").iterdir())
    assert len(bills) == len(locks) == 3
    for path in bills:
        assert check.validate_str(path.read_text()) is None
    for lock in map(read_json, locks):
        bill = read_json(described / "provenance/sbom" / f"{lock['result']['image']}.cdx.json")
        listed = {one["hashes"][0]["content"]: one for one in bill["components"]}
        shipped = [*lock["packages"], *(one for part in lock["wheels"] for one in part["files"])]
        assert {one["sha256"] for one in shipped} <= listed.keys()
        assert all(listed[one["sha256"]].get("scope") != "excluded" for one in shipped)
        assert bill["metadata"]["component"]["hashes"][0]["content"] == lock["result"]["sha256"]
        assert "timestamp" not in bill["metadata"]
        assert sbom.bill(lock) == bill
    broken = {**bill, "components": [{"type": "library"}]}
    assert check.validate_str(json.dumps(broken)) is not None


def test_a_bill_of_materials_names_the_docker_image_that_is_in_it(described):
    lock = read_json(next((described / "recipes/containers/locks").iterdir()))
    digest = "1" * 64
    bill = sbom.bill({**lock, "docker": {"image": "lab/a:1", "digest": f"sha256:{digest}"}})
    (found,) = [one for one in bill["components"] if one["hashes"][0]["content"] == digest]
    assert found["type"] == "container"
    assert found["purl"].startswith("pkg:docker/lab/a@sha256")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None


def test_descriptions_are_the_same_each_time_and_no_part_of_what_is_verified(described, tmp_path):
    again = shutil.copytree(PUBLISHED, tmp_path / "reference")
    written = describe(again, REPOSITORY, DAY)
    for path in written:
        name = path.relative_to(again)
        assert path.read_bytes() == (described / name).read_bytes(), name
    assert not list(faults(open_publication(again, tmp_path)))
    describe(again, REPOSITORY, DAY)  # over the former ones
    (again / "other.json").write_text("{}")
    assert list(faults(open_publication(again, tmp_path)))


def test_a_damaged_publication_and_a_bare_manifest_are_refused(tmp_path):
    folder = shutil.copytree(PUBLISHED, tmp_path / "reference")
    (folder / "digests.txt").write_text("x")
    with pytest.raises(UserError, match="damaged"):
        describe(folder, REPOSITORY, DAY)
    with pytest.raises(UserError, match="go into a publication's folder"):
        describe(PUBLISHED / "results/pack_manifest/manifest.json", REPOSITORY, DAY)
    (tmp_path / "reference.tar").write_bytes(b"x")
    with pytest.raises(UserError, match="go into a publication's folder"):
        describe(tmp_path / "reference.tar", REPOSITORY, DAY)
    assert not (folder / "provenance").exists()
