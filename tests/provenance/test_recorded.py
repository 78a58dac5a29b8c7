"""Recorded answers in a publication: taken as published wherever a model would be asked again."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from assay.core.settings import load, read_yaml
from assay.provenance.depth import exit_code
from assay.provenance.depths import ELSEWHERE, plan, recorded, rule_of
from assay.provenance.judge import Judge
from assay.provenance.publication import Publication, open_publication
from assay.provenance.workplace import PUBLISHED, set_up

ROOT = Path(__file__).parents[2]
MODEL = "some-model"


@pytest.fixture
def publication(published, tmp_path):
    """The fake run's publication, as if one of its models were a batch."""
    found = open_publication(published, tmp_path)
    found.manifest["config"]["models"].update({MODEL: {"engine": "batch"}})
    return found


@pytest.fixture
def work(run, tmp_path):
    """A work folder with what an honest run makes."""
    folder = tmp_path / "work"
    shutil.copytree(run, folder / "results" / "fake")
    for name in ("containers", "envs"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def verdicts(publication, work):
    judged = Judge(publication, plan(publication, "rerun"), work, "")
    absent = {"record_behaviour", "index_api"}  # the fake run has none of these
    return {one.step: one for one in judged.steps() if one.step not in absent}


def test_a_model_is_recorded_by_its_engine(publication):
    models = publication.manifest["config"]["models"]
    assert recorded(publication) == [MODEL]
    models[MODEL] = {"engine": "an engine of a later version"}
    models["oracle"] = {"engine": "oracle"}
    assert recorded(publication) == []


@pytest.mark.parametrize("depth", ["rescore", "rebuild"])
def test_at_the_other_depths_nothing_is_taken_apart(publication, depth):
    made = plan(publication, depth)
    assert (made.apart, made.taken) == ({}, ())


def test_when_models_run_again_recorded_answers_are_taken_and_scored(publication):
    made = plan(publication, "rerun")
    own = {f"fetch_model/{MODEL}/receipt.json", f"run_model/{MODEL}/responses.parquet"}
    assert set(made.given) == set(made.apart) == own
    assert made.taken == (MODEL,)
    assert not own & set(made.wanted)
    assert "run_model/oracle/responses.parquet" in made.wanted
    assert f"score_answers/{MODEL}/toy/verdicts.parquet" in made.wanted


def test_its_step_is_skipped_and_says_why_and_what_follows_is_judged(publication, work, fakes):
    # Whatever lies there: nobody has made it here.
    (work / "results/fake/run_model" / MODEL / "responses.parquet").write_bytes(b"")
    found = verdicts(publication, work)
    assert found["run_model"].status == "SKIPPED"
    assert found["run_model"].why == f"1 of 2 files: {MODEL}: {ELSEWHERE}"
    assert [one for one in found.values() if one.status == "BAD"] == []
    assert found["score_answers"].status == "GOOD"
    assert exit_code(list(found.values())) == 0
    fakes.forge(
        publication.folder, f"score_answers/{MODEL}/toy/verdicts.parquet",
        lambda rows: rows[0].update(status="failed"),
    )  # fmt: skip
    forged = open_publication(publication.folder, work)
    forged.manifest["config"]["models"].update({MODEL: {"engine": "batch"}})
    assert verdicts(forged, work)["score_answers"].status == "BAD"


def test_a_manifest_alone_has_no_answers_to_take_and_the_other_models_are_judged(publication):
    made = plan(Publication(publication.manifest), "rerun")
    assert made.given == ()
    assert "run_model/oracle/responses.parquet" in made.wanted
    rules = {rule_of(path) for path in made.apart}
    assert rules == {"fetch_model", "run_model", "score_answers", "check_names", "summarise_scores"}
    assert "score_answers/oracle/toy/verdicts.parquet" in made.wanted


def test_written_requests_are_asked_of_no_run_without_such_a_model(publication, work):
    assert "write_batch" not in verdicts(publication, work)


def test_the_work_folder_holds_the_answers_and_says_that_they_are_taken(publication, tmp_path):
    ours = load(ROOT / "config").recorded()
    models = {MODEL: read_yaml(ROOT / "config/models/batch-example.yaml"), "oracle": {
        "engine": "oracle", "description": "d",
    }}  # fmt: skip
    config = {**ours["config"], "models": sorted(models)}
    honest = replace(publication, manifest={
        **publication.manifest, "config": {**ours, "config": config, "models": models},
    })  # fmt: skip
    folder = tmp_path / "made"
    set_up(honest, plan(honest, "rerun"), ROOT, folder)
    assert load(folder / "config").config["execution"]["taken"] == [MODEL]
    name = "responses.parquet"
    assert (folder / "results/fake/run_model" / MODEL / name).is_file()
    assert not (folder / "results/fake/run_model/oracle" / name).exists()
    assert (folder / PUBLISHED / "run_model/oracle" / name).is_file()
