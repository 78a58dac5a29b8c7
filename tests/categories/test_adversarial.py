"""Interacting bugs and misleading code: proven pairs, and answers that mend one half only fail."""

import json
from dataclasses import replace

import pytest

from assay.categories import _adversarial, _interacting, code_understanding
from assay.categories._understanding import answer
from assay.categories.base import FAILED, PASSED, Candidate, Options, Rejection
from assay.core.execution import Job, Limits, Scenario
from assay.scoring.extraction import extract
from assay.synthesis import gates

SEEDS = range(6)


def worth(text, candidate, bench):
    key = json.loads(json.dumps(candidate.key)) | {
        "is_control": candidate.is_control, "accepted_lines": candidate.accepted_lines,
    }  # fmt: skip
    extraction = extract(text, code_understanding.FORMAT, "put", *key["further_names"])
    return code_understanding.judge(extraction, key, bench, Options())


@pytest.fixture(scope="module")
def made(toy):
    found = []
    for seed in SEEDS:
        found += [item for item in code_understanding.propose(toy.material(seed))
                  if isinstance(item, Candidate)]  # fmt: skip
    return found


@pytest.fixture(scope="module")
def pairs(made):
    return [item for item in made if "+" in item.operator]


def violated(toy, files):
    scenarios = toy.material(1).scenarios
    job = Job(
        files, [Scenario(r["scenario_id"], json.loads(r["scenario_json"])) for r in scenarios]
    )
    seen = toy.ProcessBench().run([job])[0].observations
    return {r["scenario_id"] for r in scenarios
            if seen[r["scenario_id"]] != json.loads(r["observation_json"])}  # fmt: skip


def spliced(toy, candidate, sources):
    """Return the files with the sources of the task's functions, by the key's own spans."""
    files, codes = {}, [candidate.key["code"], *(i["code"] for i in candidate.key["further"])]
    for code, source in zip(codes, sources, strict=True):
        lines = toy.FILES[code["path"]].splitlines(keepends=True)
        lines[code["first"] - 1 : code["last"]] = [source]
        files[code["path"]] = "".join(lines)
    return files


def test_both_kinds_are_made_in_one_function_and_across_files(made, pairs):
    assert {item.stratum for item in made} == {"adversarial"}
    assert any(item.key["further"] for item in pairs)
    assert any(not item.key["further"] for item in pairs)
    assert any("+" not in item.operator for item in made)


def test_failures_of_a_pair_are_not_the_union_of_each_alone(toy, pairs):
    for item in pairs:
        shown = [item.key["source"], *(i["source"] for i in item.key["further"])]
        both = violated(toy, spliced(toy, item, shown))
        alone = [violated(toy, spliced(toy, item, half)) for half in item.key["halves"]]
        assert len(alone) == 2
        assert all(alone)
        assert both
        assert both != alone[0] | alone[1]
        masked = item.proof["violated_masked"] + item.proof["violated_only_together"]
        assert masked > 0
        assert {"broken_1", "broken_2", "violated_1", "violated_2"} <= set(item.proof)


def test_the_reference_passes_with_its_witness_and_halves_fail(toy, pairs):
    for item in pairs:
        right = worth(item.reference_answer, item, toy.ProcessBench())
        assert (right.status, right.checks["witnessed"]) == (PASSED, True), right
        nulls = code_understanding.null_answers(item)
        assert {"only_mutation_1", "only_mutation_2", "prompt", "empty"} <= set(nulls)
        judged = {name: worth(text, item, toy.ProcessBench()) for name, text in nulls.items()}
        assert {verdict.status for verdict in judged.values()} <= {FAILED, "unreadable"}
        assert judged["only_mutation_1"].checks["located"]
        assert not judged["only_mutation_1"].checks["repaired"]


def test_each_mutation_must_be_named_by_at_most_four_lines(toy, pairs):
    item = pairs[0]
    first, second = item.key["groups"]
    code = item.reference_answer.partition("\n")[2]
    for lines, located in (
        ([first[0], second[0]], True), ([first[0]], False), ([second[0]], False),
        ([first[0], second[0], 1, 2], True), ([first[0], second[0], 1, 2, 3], False),
    ):  # fmt: skip
        text = f"LINES: {', '.join(map(str, lines))}\n{code}"
        verdict = worth(text, item, toy.ProcessBench())
        assert (verdict.checks["located"], verdict.status == PASSED) == (located, located)


def test_the_named_lines_are_where_the_prompt_shows_the_bug(toy, made):
    for item in made:
        shown = dict(line.split(" | ", 1) for line in item.prompt.split("\n") if " | " in line)
        shown = {int(number): text.rstrip() for number, text in shown.items()}
        sources = [item.key["source"], *(i["source"] for i in item.key["further"])]
        wrong = {line.rstrip() for source in sources for line in source.split("\n")}
        right = set(item.reference_answer.split("\n")) | {
            "    " + line for line in item.reference_answer.split("\n")
        }
        for group in item.key["groups"]:
            assert any(shown[line] in wrong - right for line in group)
        assert len(shown) == item.prompt.count(" | "), "a number stands for two lines"


def test_single_bugs_are_surrounded_and_controls_look_the_same(toy, made):
    single = [item for item in made if "+" not in item.operator]
    names = ("renamed", "decoys", "comments", "files")
    for item in single:
        assert sum(name in item.proof for name in names) >= _adversarial.FEWEST_DIALS
    found = code_understanding.propose(toy.material(3, control_percent=100))
    control = next(item for item in found if isinstance(item, Candidate))
    assert control.is_control
    assert worth("LINES: none\n", control, toy.ProcessBench()).status == PASSED
    assert "witnessed" not in worth("LINES: none\n", control, toy.ProcessBench()).checks
    assert worth("LINES: 3\n", control, toy.ProcessBench()).status == FAILED
    assert sum(name in control.proof for name in names) >= _adversarial.FEWEST_DIALS
    assert not violated(toy, spliced(toy, control, [
        control.key["source"], *(i["source"] for i in control.key["further"])
    ]))  # fmt: skip

    def frame(prompt):
        return prompt.partition("Either this")[2].partition("WITNESS")[0]

    assert {frame(item.prompt) for item in made} == {frame(control.prompt)}


def test_a_rewriting_that_changes_anything_is_left_out(toy, monkeypatch):
    material = toy.material(1)
    pool = code_understanding.cases(material.scenarios, 48)
    wrong = material.unit["source"].replace("place - 1", "place - 2")
    assert not _adversarial.unchanged(material, wrong, pool)
    assert not _adversarial.unchanged(material, material.unit["source"] + "\n", pool)
    monkeypatch.setattr(_adversarial._rename, "renamed", lambda *_: (wrong, 3))
    assert "renamed" not in _adversarial.rewrite(material, pool)[1]


def test_a_pair_that_is_only_a_union_is_none():
    one, two = ({"violated": frozenset("ab")}, {"violated": frozenset("bc")})
    alone = tuple(_interacting.Bug((), **each) for each in (one, two))
    assert not _interacting.interacts(_interacting.Bug((), violated=frozenset("abc"), alone=alone))
    assert _interacting.interacts(_interacting.Bug((), violated=frozenset("abcd"), alone=alone))
    assert _interacting.interacts(_interacting.Bug((), violated=frozenset("ac"), alone=alone))


def test_no_adversarial_bug_gives_itself_away_by_a_new_exception(toy, made):
    scenarios = toy.material(1).scenarios
    each = [Scenario(r["scenario_id"], json.loads(r["scenario_json"])) for r in scenarios]
    for item in made:
        sources = [item.key["source"], *(i["source"] for i in item.key["further"])]
        job = Job(spliced(toy, item, sources), each)
        seen = toy.ProcessBench().run([job])[0].observations
        calls = [call for observation in seen.values() for call in observation["calls"]]
        assert {call["raised"][0] for call in calls if "raised" in call} <= {"TypeError"}


def test_proposals_repeat(toy):
    prompts = [
        [c.prompt for c in code_understanding.propose(toy.material(2)) if isinstance(c, Candidate)]
        for _ in range(2)
    ]
    assert prompts[0] == prompts[1] != []


def test_the_gates_prove_them(toy, made):
    proven = [gates.prove(item, toy.material(1), code_understanding) for item in made[:4]]
    reasons = [item.reason for item in proven if isinstance(item, Rejection)]
    assert not [reason for reason in reasons if not reason.endswith("mutants fail")]
    assert len(reasons) < len(proven)


def test_steering_text_comes_as_a_pair_only_and_changes_nothing_else(toy):
    def first(control, percent):
        material = toy.material(2, control_percent=control, steering_percent=percent)
        found = code_understanding.propose(material)
        return next(item for item in found if isinstance(item, Candidate))

    for control in (0, 100):
        assert code_understanding.variants(first(control, 0)) == []
        assert "pair" not in first(control, 0).key
        base = first(control, 100)
        (variant,) = code_understanding.variants(base)
        assert base.prompt == first(control, 0).prompt
        assert (base.key["pair"], base.key["steered"]) == (variant.key["pair"], False)
        assert variant.key["steered"] is True
        assert variant.candidate_id != base.candidate_id
        lines = list(zip(base.prompt.split("\n"), variant.prompt.split("\n"), strict=True))
        (changed,) = [pair for pair in lines if pair[0] != pair[1]]
        assert changed[1].startswith(f"{changed[0]}  # ")
        assert (("no bug" in changed[1]) or ("none" in changed[1])) is not base.is_control
        right = worth(variant.reference_answer, variant, toy.ProcessBench())
        assert right.status == PASSED


@pytest.mark.slow
def test_an_interacting_bug_over_two_files_in_the_real_sandbox(toy, pairs, testbed_root, tmp_path):
    from assay.testbed.bench import open_bench

    for path, text in {**toy.FILES, "tests/test_box.py": toy.TEST_FILE}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    target = {"tests": {"paths": ["tests"]}, "scan": ["pkg"], "source_roots": ["."], "preload": []}
    bench = open_bench(tmp_path, target, testbed_root, Limits(cpu_s=5, wall_s=30))
    item = next(item for item in pairs if item.key["further"])
    right = worth(item.reference_answer, item, bench)
    assert (right.status, right.reason, right.checks) == (PASSED, "located and repaired", {
        "scenarios": True, "tests": True, "located": True, "repaired": True, "witnessed": True,
    })  # fmt: skip
    lines = [group[0] for group in item.key["groups"]]
    for half in item.key["halves"]:
        verdict = worth(answer(lines, half, "Box().put('a', 3)"), item, bench)
        assert verdict.status == FAILED


def test_refusals_of_one_bug_in_several_strata_keep_apart(toy):
    found = []
    for seed in SEEDS:
        material = toy.material(seed)
        tasks = {**material.settings["tasks"], "prompt_characters": 1, "strata": {
            "trivial": 25, "standard": 25, "hard": 25, "adversarial": 25,
        }}  # fmt: skip
        material = replace(material, settings={**material.settings, "tasks": tasks})
        refused = [
            (item.candidate_id, item.gate) for item in code_understanding.propose(material)
            if isinstance(item, Rejection)
        ]  # fmt: skip
        assert len(refused) == len(set(refused))
        found += refused
    suitable = [name for name, gate in found if gate == "suitable"]
    assert any(":adversarial:" in name for name in suitable)
    assert any(":standard:" in name for name in suitable)
