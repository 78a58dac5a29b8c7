"""Each gate drops what it is there for, and lets the rest through."""

from types import SimpleNamespace

import pytest

from assay.categories.base import FAILED, PASSED, VOID, Candidate, Judgement, Material, Rejection
from assay.core.errors import HarnessError
from assay.core.execution import RAN, Job, JobResult
from assay.synthesis import gates
from assay.synthesis.leaks import leak

UNIT = {"unit_id": "a.py::f", "path": "a.py", "module": "a"}
SETTINGS = {"gates": {"repeats": 5, "oracle_sample": 5, "oracle_percent": 80}, "limits": {}}


class Bench:
    def __init__(self, files=None):
        self.jobs, self.files = [], {"a": "a.py"} if files is None else files

    def read(self, path):
        return "def f(): pass\n"

    def run(self, jobs):
        self.jobs += jobs
        return [JobResult(RAN, module_files=self.files) for _ in jobs]


def candidate(**changes):
    given = {
        "candidate_id": "c:1", "category": "toy", "unit_id": "a.py::f", "stratum": "trivial",
        "kind": "bug", "is_control": False, "operator": "none_or_missing",
        "prompt": "1 | def f():", "reference_answer": code("right"),
        "accepted_lines": (2,), "key": {"source": "def f():\n    return 'wrong'\n"},
    }  # fmt: skip
    return Candidate(**{**given, **changes})


def category(passes, weak=None):
    """A category whose judge asks `passes(code, options)` after one job."""

    def judge(extraction, key, bench, options):
        bench.run([Job(order_seed=options.order_seed, hash_seed=options.hash_seed)])
        status = passes(extraction.code or "", options)
        return Judgement(status, RAN, "as told")

    made = SimpleNamespace(FORMAT="code", judge=judge, null_answers=lambda _: {"stub": code("0")})
    if weak is not None:
        made.weak_answers = lambda *_: {f"m{n}": code(text) for n, text in enumerate(weak)}
    return made


def code(text):
    return f"```python\ndef f():\n    return {text!r}\n```"


def right_only(text, _options):
    return PASSED if "'right'" in text else FAILED


def prove(given, module, **changes):
    bench = changes.pop("bench", Bench())
    material = Material(
        "t", UNIT, {}, changes.pop("tests", ()), changes.pop("scenarios", ()), lambda _: [],
        bench, 1, {**SETTINGS, **changes},
    )  # fmt: skip
    return gates.prove(given, material, module)


def dropped_by(given, module, **changes):
    found = prove(given, module, **changes)
    assert isinstance(found, Rejection)
    return found.gate


def test_a_proven_candidate_carries_its_counts():
    bench = Bench()
    found = prove(candidate(), category(right_only, ["a", "b", "c", "d", "right"]), bench=bench)
    assert isinstance(found, gates.Proven)
    assert (found.killed, found.sampled) == (4, 5)
    assert found.proof["right_passed"] == 5
    assert found.proof["null_failed"] == 5
    assert found.proof["blunt_mutants"] == 0
    repeats = [job for job in bench.jobs if job.order_seed is not None]
    assert len({job.order_seed for job in repeats}) == 5
    assert {job.hash_seed for job in repeats} == set(range(5))


def test_blunt_mutants_are_counted():
    given = category(right_only, ["a", "b", "c"])
    names = ("keys:1:2:x→y", "statement_deletion:1:2:x→pass", "return_values:1:2:return x→return 1")
    answers = given.weak_answers()
    given.weak_answers = lambda *_: dict(zip(names, answers.values(), strict=True))
    found = prove(candidate(), given)
    assert (found.killed, found.proof["blunt_mutants"]) == (3, 2)


def test_1_a_right_answer_that_fails_once_is_dropped():
    def wobbles(text, options):
        return FAILED if options.hash_seed == 3 else right_only(text, options)

    assert dropped_by(candidate(), category(wobbles)) == gates.RIGHT_ANSWER


def test_2_a_null_answer_that_passes_drops_all_but_controls():
    def anything(text, options):
        return PASSED

    assert dropped_by(candidate(), category(anything)) == gates.NULL_ANSWERS
    control = candidate(is_control=True, kind="control", accepted_lines=())
    assert isinstance(prove(control, category(anything)), gates.Proven)


def test_2_the_prompt_given_back_is_one_of_the_null_answers():
    def echo(text, options):
        return PASSED if "'right'" in text or "shown" in text else FAILED

    shown = candidate(prompt=code("shown"))
    assert dropped_by(shown, category(echo)) == gates.NULL_ANSWERS


@pytest.mark.parametrize(
    ("files", "foreign"),
    [({"a": "a.py"}, False), ({}, True), ({"a": "/usr/lib/python3/a.py"}, True)],
)
def test_3_code_from_elsewhere_is_noticed(files, foreign):
    material = Material("t", UNIT, {}, ("t::a",), (), lambda _: [], Bench(files), 1, SETTINGS)
    assert bool(gates.foreign_code(material)) == foreign


def test_5_a_weak_oracle_is_dropped():
    module = category(right_only, ["a", "b", "c", "right", "right", "d"])
    found = prove(candidate(), module)
    assert isinstance(found, Rejection)
    assert (found.gate, found.reason) == (gates.STRONG_ORACLE, "3 of 5 mutants fail")


@pytest.mark.parametrize("weak", [["a", "b"], []])
def test_5_two_mutants_or_none_show_nothing(weak):
    found = prove(candidate(), category(right_only, weak))
    assert isinstance(found, Rejection)
    assert found.reason == f"only {len(weak)} mutants to try it on"


@pytest.mark.parametrize("lines", [(), (1, 2, 3, 4, 5, 6)])
def test_7_a_place_that_is_not_clear_is_dropped(lines):
    assert dropped_by(candidate(accepted_lines=lines), category(right_only)) == gates.CLEAR_PLACE


def test_8_a_test_that_wobbled_can_not_be_in_a_key():
    key = {"source": "", "code": {"tests": ["t::a", "t::b"]}}
    found = dropped_by(candidate(key=key), category(right_only), tests=("t::a",))
    assert found == gates.STEADY_TESTS


def test_a_failing_harness_decides_nothing():
    def broken(text, options):
        return VOID

    with pytest.raises(HarnessError):
        prove(candidate(), category(broken))


def test_the_eight_gates_have_names_of_their_own():
    assert len(set(gates.GATES)) == 8


HIDDEN = {"code": {"hidden": [{"scenario_id": "abc123"}], "tests": ["t.py::test_limit"]}}
LONG = "if value is None and strict is True:"


@pytest.mark.parametrize(
    ("prompt", "changes", "told"),
    [
        ("all fine", {}, False),
        ("see c:1", {}, True),
        ("scenario abc123", {"key": {"source": "", **HIDDEN}}, True),
        ("as test_limit says", {"key": {"source": "", **HIDDEN}}, True),
        ("as test_limits says", {"key": {"source": "", **HIDDEN}}, False),
        ("a none_or_missing bug", {}, True),
        ("the keys", {"operator": "keys"}, False),
        (f"9 |     {LONG}\n", {"reference_answer": LONG, "key": {"source": "x"}}, True),
        (f"9 |     {LONG}\n", {"reference_answer": LONG, "key": {"source": LONG}}, False),
        (LONG, {"kind": "original", "reference_answer": LONG, "key": {"head": ""}}, True),
        (LONG, {"kind": "original", "reference_answer": LONG, "key": {"head": LONG}}, False),
    ],
)
def test_6_what_a_prompt_gives_away(prompt, changes, told):
    assert bool(leak(candidate(prompt=prompt, **changes))) == told


@pytest.mark.parametrize(("check", "word"), [("witnessed", "witness"), ("exploited", "exploit")])
def test_a_reference_whose_witness_or_exploit_does_not_hold_is_dropped(check, word):
    def judged(holds):
        def judge(extraction, _key, bench, _options):
            bench.run([Job()])
            right = "'right'" in (extraction.code or "")
            return Judgement(PASSED if right else FAILED, RAN, "", {check: holds})

        made = category(right_only)
        made.judge = judge
        return prove(candidate(), made)

    assert isinstance(judged(holds=True), gates.Proven)
    found = judged(holds=False)
    assert (found.gate, word in found.reason) == (gates.RIGHT_ANSWER, True)
