from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from assay.core.errors import UserError
from assay.core.files import read_json, write_json
from assay.provenance.depth import Place, exit_code, verify_at
from assay.provenance.publication import faults, gaps, open_publication
from assay.sources import tree

ROOT = Path(__file__).parents[2]


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def refused(against, scratch) -> str:
    with pytest.raises(UserError) as caught:
        open_publication(against, scratch)
    assert [p for p in scratch.parent.rglob("*") if p.name == "escaped"] == []
    return str(caught.value)


def test_folder_and_archive_are_read_alike_and_are_without_fault(published, scratch):
    found = [open_publication(p, scratch) for p in (published, published.with_suffix(".tar"))]
    for publication in found:
        assert list(faults(publication)) == list(gaps(publication)) == []
    assert found[0].manifest == found[1].manifest
    assert found[0].file("run_model/oracle/responses.parquet").is_file()
    assert found[0].file("fetch_source/toy/source.tar") is None


def test_a_bare_manifest_is_a_publication_without_files(published, scratch):
    found = open_publication(published / "results" / "pack_manifest" / "manifest.json", scratch)
    assert found.run == "fake"
    assert found.file("run_model/oracle/responses.parquet") is None


def test_a_path_that_does_not_exist_is_named(tmp_path, scratch):
    assert "nothing to verify against" in refused(tmp_path / "no.tar", scratch)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9])
def test_an_archive_that_is_cut_short_is_refused(published, scratch, share):
    archive = published.with_suffix(".tar")
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * share)])
    assert "no archive of Assay, or it is cut short" in refused(archive, scratch)


def test_what_is_no_archive_or_somebody_elses_is_refused(tmp_path, scratch):
    text, foreign = tmp_path / "text.tar", tmp_path / "foreign.tar"
    text.write_text("hello " * 300)
    tree.write(foreign, {"hello.txt": tree.Entry(tree.FILE, b"hello")})
    (tmp_path / "folder").mkdir()
    assert "no archive of Assay" in refused(text, scratch)
    assert "no publication of Assay" in refused(foreign, scratch)
    assert "no publication of Assay" in refused(tmp_path / "folder", scratch)


@pytest.mark.parametrize("name", ["publication.json", "results/pack_manifest/manifest.json"])
def test_another_version_is_told_from_a_wrong_file(published, scratch, name):
    write_json(published / name, {**read_json(published / name), "format": 2})
    said = refused(published, scratch)
    assert "another version of Assay wrote this" in said
    assert "format 2" in said


@pytest.mark.parametrize("path", ["../escaped", "/escaped", "a/../../escaped", ".hidden"])
def test_no_path_of_a_manifest_leads_out_of_its_folder(published, scratch, path):
    name = published / "results" / "pack_manifest" / "manifest.json"
    made = read_json(name)
    made["files"][0]["path"] = path
    write_json(name, made)
    assert "not of the form" in refused(published, scratch)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_an_archive_with_anything_but_plain_files_is_refused(tmp_path, scratch, kind):
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        member = tarfile.TarInfo("a")
        member.type, member.linkname, member.mtime = kind, "/etc", tree.FIXED_TIME
        archive.addfile(member)
    assert "no archive of Assay" in refused(tmp_path / "x.tar", scratch)


def test_an_archive_that_leads_out_of_its_folder_is_refused(tmp_path, scratch):
    tree.write(tmp_path / "x.tar", {"../escaped": tree.Entry(tree.FILE, b"x")})
    assert "no archive of Assay" in refused(tmp_path / "x.tar", scratch)


TAMPERED = [
    "results/score_answers/oracle/toy/verdicts.parquet",
    "results/select_tasks/toy/keys.parquet",
    "results/run_model/some-model/responses.parquet",
    "config.json",
    "recipes/containers/tools.yaml",
]


@pytest.mark.parametrize("name", TAMPERED)
def test_a_file_changed_by_one_byte_is_bad_and_nothing_is_made_from_it(published, scratch, name):
    data = bytearray((published / name).read_bytes())
    data[len(data) // 2] ^= 1
    (published / name).write_bytes(data)
    found = verify_at(published, "rescore", Place(ROOT, scratch))
    assert (found[0].status, found[0].details[0].split(":")[0]) == ("BAD", name)
    assert exit_code(found) == 1
    assert not (scratch / "work").exists()


def test_a_file_more_and_a_file_less_are_faults(published, scratch):
    (published / "results" / "more.txt").write_text("x")
    (published / TAMPERED[1]).unlink()
    said = list(faults(open_publication(published, scratch)))
    assert said[0].startswith("results/more.txt: publication.json does not list it")
    assert said[1].startswith(f"{TAMPERED[1]}: missing")


def test_a_file_that_is_a_link_is_a_fault(published, scratch, tmp_path):
    shutil.move(published / TAMPERED[1], tmp_path / "elsewhere")
    (published / TAMPERED[1]).symlink_to(tmp_path / "elsewhere")
    assert any(TAMPERED[1] in line for line in faults(open_publication(published, scratch)))


def test_a_file_said_to_be_left_out_is_checked_all_the_same(published, scratch, fakes):
    index = read_json(published / "publication.json")
    index["left_out"].append("run_model/oracle/responses.parquet")
    write_json(published / "publication.json", index)
    file = published / "results" / "run_model" / "oracle" / "responses.parquet"
    file.write_bytes(file.read_bytes() + b"x")
    made = published / "results" / "pack_manifest" / "manifest.json"
    before = made.read_bytes()
    fakes.mend(published)
    made.write_bytes(before)
    said = list(faults(open_publication(published, scratch)))
    assert any("responses.parquet" in line and "the manifest says" in line for line in said)


def test_verdicts_that_a_manifest_drops_are_missed(published, scratch):
    name = published / "results" / "pack_manifest" / "manifest.json"
    made = read_json(name)
    made["files"] = [e for e in made["files"] if "verdicts" not in e["path"]]
    write_json(name, made)
    said = list(gaps(open_publication(published, scratch)))
    assert len(said) == 2
    assert said[0].startswith("score_answers/oracle/toy/verdicts.parquet")


@pytest.mark.parametrize(
    ("name", "change", "word"),
    [
        ("config.json", lambda c: c.update(seed=2), "not the manifest's config"),
        ("fingerprints/oracle.json", lambda c: c.update(id="0" * 16), "its id is not that"),
        (
            "results/pack_manifest/manifest.json",
            lambda c: c["inputs"]["sources"]["toy"].update(commit="11"),
            "not what the receipts say",
        ),
    ],
)
def test_files_that_contradict_each_other_are_faults(published, scratch, name, change, word, fakes):
    content = read_json(published / name)
    change(content)
    write_json(published / name, content)
    fakes.mend(published)
    assert any(word in line for line in faults(open_publication(published, scratch)))


def test_a_weaker_sandbox_than_this_checkouts_is_never_run(published, scratch):
    for name, part in (("config.json", None), ("results/pack_manifest/manifest.json", "config")):
        content = read_json(published / name)
        (content[part] if part else content)["config"]["sandbox"] = {"layers": ["rlimits"]}
        write_json(published / name, content)
    index = read_json(published / "publication.json")
    for entry in index["files"]:
        from assay.core.files import sha256_file

        entry["sha256"] = sha256_file(published / entry["path"])
    write_json(published / "publication.json", index)
    with pytest.raises(UserError, match="weaker sandbox"):
        verify_at(published, "rescore", Place(ROOT, scratch))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--against", "/nowhere/x.tar"], "nothing to verify against"),
        (["--against", "MANIFEST"], "no answers to score again"),
        (["--against", "MANIFEST", "--depth", "deeper"], "unknown depth"),
    ],
)
def test_the_program_tells_mistakes_without_a_traceback(published, tmp_path, arguments, word):
    manifest = str(published / "results" / "pack_manifest" / "manifest.json")
    given = [manifest if a == "MANIFEST" else a for a in arguments]
    command = [sys.executable, ROOT / "scripts" / "verify_run.py", "--work", tmp_path, *given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr
