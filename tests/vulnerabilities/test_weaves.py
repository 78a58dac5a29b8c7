"""Every weave is proven by running it, in the sandbox, over a small target of its own."""

import pytest
from assay_box_target import PAIRS, WEAKNESSES, attempt

from assay.categories import _audit_proof
from assay.categories._audit_plan import Attempt


@pytest.fixture(scope="module")
def results(material):
    """All pairs at once: starting a sandbox for each would be most of the time."""
    attempts = [attempt(*pair) for pair in PAIRS]
    jobs = [job for item in attempts for job in _audit_proof.jobs(material, item)]
    done = material.bench.run(jobs)
    return {item.identity: done[2 * at : 2 * at + 2] for at, item in enumerate(attempts)}


@pytest.fixture(scope="module")
def proofs(material, results):
    attempts = [attempt(*pair) for pair in PAIRS]
    return {
        item.identity: _audit_proof.judged(material, item, results[item.identity])
        for item in attempts
    }


@pytest.fixture(scope="module")
def matrix(results):
    """Weave -> what each payload of its weakness did to (vulnerable, hardened): X fired, . held."""
    return {
        item.identity: ["".join(_sign(item, probes, at) for at in range(_payloads(item)))
                        for probes in map(_by_input, results[item.identity])]
        for item in (attempt(*pair) for pair in PAIRS)
    }  # fmt: skip


def _payloads(item):
    return len(item.weakness.payloads)


def _by_input(result):
    return {name.partition(".")[0]: probe for name, probe in result.probes.items()}


def _sign(item, probes, at):
    return "X" if item.weakness.fired(probes[f"p{at}"]) else "."


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0].name}-{pair[1].idiom}")
def test_the_dangerous_line_can_be_named(pair):
    assert 1 <= len(attempt(*pair).twins[0].lines) <= 5


@pytest.mark.slow
def test_every_payload_is_held_by_every_hardened_twin_and_one_at_least_fires(matrix):
    for identity, (weak, hardened) in sorted(matrix.items()):
        print(f"{identity:40} {weak:24} {hardened}")  # shown by `pytest -rP`
    assert len(matrix) == len(PAIRS)
    assert [name for name, (_, hardened) in matrix.items() if "X" in hardened] == []
    assert [name for name, (weak, _) in matrix.items() if "X" not in weak] == []


@pytest.mark.slow
def test_the_checks_of_hard_weaves_stop_some_payloads_and_not_all_the_same(matrix):
    for weakness in WEAKNESSES:
        rows = {item.idiom: matrix[f"{weakness.name}:{item.idiom}"][0] for item in weakness.weaves}
        hard = [rows[item.idiom] for item in weakness.weaves if item.stratum == "hard"]
        assert all("." in row for row in hard), weakness.name
        assert len(set(hard)) >= 2, weakness.name


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0].name}-{pair[1].idiom}")
def test_the_weakness_is_real_and_its_hardened_twin_holds(proofs, pair):
    proof, (gate, reason) = proofs[f"{pair[0].name}:{pair[1].idiom}"]
    assert proof is not None, f"{gate}: {reason}"
    assert proof["counts"]["payloads_fired"] >= 1


@pytest.mark.slow
def test_a_pair_without_a_difference_is_no_proof(material):
    for weakness, item in PAIRS[:1]:
        pair = attempt(weakness, item)
        for twins, gate in (
            ((pair.twins[0],) * 2, "twin_holds"),
            ((pair.twins[1],) * 2, "payload_fires"),
        ):
            same = Attempt(pair.weakness, pair.weave, pair.site, twins, pair.identity)
            results = material.bench.run(_audit_proof.jobs(material, same))
            assert _audit_proof.judged(material, same, results)[1][0] == gate
