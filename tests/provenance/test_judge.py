"""What forgeries lead to, over fake tables: the work folder holds what an honest run makes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from assay.core.errors import UserError
from assay.core.files import write_json
from assay.provenance.depth import exit_code
from assay.provenance.depths import plan, rule_of
from assay.provenance.judge import Judge, Verdict, judge_publication, printed
from assay.provenance.publication import Publication, open_publication

ROOT = Path(__file__).parents[2]


class Bench:
    """An honest run's results in a work folder, and a publication that may be forged."""

    def __init__(self, published, honest, tmp_path):
        self.published, self.tmp_path = published, tmp_path
        self.work = tmp_path / "work"
        shutil.copytree(honest, self.work / "results" / "fake")
        shutil.copytree(ROOT / "containers", self.work / "containers")
        shutil.copytree(ROOT / "envs", self.work / "envs")

    def verdicts(self, depth="rescore", said=""):
        publication = open_publication(self.published, self.tmp_path)
        held = judge_publication(publication)
        assert held.status == "GOOD", held.details
        judged = Judge(publication, plan(publication, depth), self.work, said)
        return {v.step: v for v in judged.steps() if not self._never_there(v)}

    @staticmethod
    def _never_there(verdict):
        # The fake run has no record_behaviour and no index_api.
        return verdict.step in {"record_behaviour", "index_api"}


@pytest.fixture
def bench(published, run, tmp_path):
    return Bench(published, run, tmp_path)


def bad(verdicts):
    return {step: v for step, v in verdicts.items() if v.status == "BAD"}


@pytest.mark.parametrize(
    ("depth", "skipped"),
    [
        ("rescore", {"extract_units", "select_tasks", "fetch_model", "run_model"}),
        ("rebuild", {"fetch_model", "run_model"}),
        ("rerun", set()),
    ],
)
def test_an_honest_publication_is_good_and_each_depth_takes_what_it_says(bench, depth, skipped):
    found = bench.verdicts(depth)
    assert {step for step, v in found.items() if v.status == "SKIPPED"} == skipped
    assert not bad(found)
    assert all(v.why for v in found.values())
    assert exit_code(list(found.values())) == 0


def test_a_tampered_score_is_bad_at_every_depth(bench, fakes):
    def change(rows):
        rows[1]["status"] = "failed"

    fakes.forge(bench.published, "score_answers/some-model/toy/verdicts.parquet", change)
    for depth in ("rescore", "rebuild", "rerun"):
        found = bench.verdicts(depth)
        assert list(bad(found)) == ["score_answers"]
        assert bad(found)["score_answers"].details == [
            (
                "score_answers/some-model/toy/verdicts.parquet: verdicts, row model=some-model, "
                "target=toy, task_id=t2, column status: published 'failed', here 'passed'"
            )
        ]
        assert exit_code(list(found.values())) == 1


def test_a_tampered_key_is_bad_once_keys_are_made_again(bench, fakes):
    def change(rows):
        rows[0]["key_json"] = '{"expected":["t1",2]}'

    fakes.forge(bench.published, "select_tasks/toy/keys.parquet", change)
    assert not bad(bench.verdicts("rescore"))  # the fakes' verdicts do not come from the keys
    found = bad(bench.verdicts("rebuild"))
    assert "column key_json, in expected" in found["select_tasks"].details[0]


def test_a_swapped_response_of_the_same_engine_is_bad_when_the_model_runs_again(bench, fakes):
    def change(rows):
        rows[0]["response"], rows[1]["response"] = rows[1]["response"], rows[0]["response"]

    fakes.forge(bench.published, "run_model/some-model/responses.parquet", change)
    found = bad(bench.verdicts("rerun"))["run_model"]
    assert found.why == "1 of 2 files: the same engine gave other answers"
    assert found.details[0] == "some-model: 1 of 3 answers are equal"
    where = "some-model: task toy/t1: response from character 11 on: published '2', here '1' "
    assert found.details[1].startswith(f"{where}(no margin")
    told = {"target": "toy", "task_id": "t1", "part": "response", "character": 11, "token": "1",
            "other": "2", "nats": 0.0312}  # fmt: skip
    place = bench.work / "results" / "fake" / "telemetry" / "run_model" / "some-model"
    write_json(place / "margins.json", {"margins": [told]})
    found = bad(bench.verdicts("rerun"))["run_model"]
    assert found.details[1] == (
        f"{where}(here the token '1' was ahead of '2' by a margin of 0.0312 nats)"
    )


def test_a_swapped_image_is_bad_at_every_depth(bench, fakes):
    name = next((bench.published / "results" / "build_image").iterdir()).name

    def change(receipt):
        receipt["sha256"] = "ab" * 32

    fakes.forge(bench.published, f"build_image/{name}", change)
    for depth in ("rescore", "rebuild", "rerun"):
        found = bad(bench.verdicts(depth))["build_image"]
        assert f"sha256: published {'ab' * 32}, this checkout's lock has " in found.details[0]


def test_a_recipe_that_is_not_this_checkouts_is_bad(bench, fakes):
    path = bench.published / "recipes" / "containers" / "tools.yaml"
    path.write_text(path.read_text() + "# more\n")
    fakes.mend(bench.published)
    found = bad(bench.verdicts())["build_image"]
    assert found.details == ["recipe containers/tools.yaml: not the one of this checkout"]


def test_no_published_value_can_write_a_line_of_its_own(bench, fakes):
    def change(rows):
        rows[0]["task_id"] = "t\n\x1b[2JGOOD     score_answers"

    fakes.forge(bench.published, "score_answers/oracle/toy/verdicts.parquet", change)
    lines = list(printed(bench.verdicts().values(), 40))
    assert [line[:3] for line in lines if "2JGOOD" in line] == ["   "]
    assert not [line for line in lines if not line.isprintable()]


def test_a_changed_database_or_summary_is_bad(bench, fakes):
    fakes.forge(
        bench.published, "summarise_scores/summary.json",
        lambda c: c["models"]["oracle"].update(passed=2),
    )  # fmt: skip
    found = bad(bench.verdicts())["summarise_scores"]
    assert found.details == [
        "summarise_scores/summary.json: models.oracle.passed: published '2', here '3'"
    ]


def test_a_file_that_was_left_out_is_compared_by_its_digest(bench):
    source = bench.work / "results" / "fake" / "fetch_source" / "toy" / "source.tar"
    source.write_bytes(b"another source")
    found = bad(bench.verdicts())["fetch_source"]
    assert "sha256 " in found.details[0]
    assert " published, " in found.details[0]


def test_on_another_machine_answers_may_differ_and_a_forged_score_is_found_all_the_same(
    bench, run, tmp_path, fakes
):
    other = fakes.run(tmp_path / "other" / "fake", machine="that")
    shutil.rmtree(bench.work / "results" / "fake")
    shutil.copytree(other, bench.work / "results" / "fake")
    found = bench.verdicts("rerun")
    assert found["run_model"].status == "SKIPPED"
    assert "some-model: 3 of 3 answers are equal" in found["run_model"].details
    assert 'some-model: fingerprint machine: published "this", here "that"' in (
        found["run_model"].details
    )
    fakes.forge(
        bench.published, "score_answers/oracle/toy/verdicts.parquet",
        lambda rows: rows[0].update(status="failed"),
    )  # fmt: skip
    assert "score_answers" in bad(bench.verdicts("rerun"))


def test_a_step_that_failed_is_bad_with_its_own_words_and_what_follows_is_not_reached(bench):
    root = bench.work / "results" / "fake"
    shutil.rmtree(root / "score_answers")
    shutil.rmtree(root / "summarise_scores")
    log = root / "telemetry" / "logs" / "score_answers" / "oracle" / "toy.log"
    log.parent.mkdir(parents=True)
    log.write_text("environment: x\ninternal error: toy, oracle: task t1 has no response\n")
    found = bench.verdicts()
    assert found["score_answers"].status == "BAD"
    assert "task t1 has no response" in found["score_answers"].details[0]
    assert found["summarise_scores"].status == "SKIPPED"
    assert found["summarise_scores"].why.endswith("not reached: score_answers did not finish")


def test_a_manifest_alone_can_be_rebuilt_and_not_rescored(published, tmp_path):
    alone = Publication(open_publication(published, tmp_path).manifest)
    with pytest.raises(UserError, match="no answers to score again"):
        plan(alone, "rescore")
    rebuilt = plan(alone, "rebuild")
    assert rebuilt.given == ()
    assert {rule_of(path) for path in rebuilt.wanted} == {
        "fetch_source", "extract_units", "select_tasks",
    }  # fmt: skip
    assert rebuilt.why["score_answers"] == "the answers were not published"


def test_nothing_good_is_no_success():
    assert exit_code([Verdict("publication", "GOOD", ""), Verdict("run_model", "SKIPPED", "")]) == 1
