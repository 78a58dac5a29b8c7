"""The draw keeps the mix, the caps and the determinism; shards leave no trace."""

import json
import random
from collections import Counter

from assay.core import seeds
from assay.synthesis import mix
from assay.synthesis.rows import Output
from assay.synthesis.selection import select

SETTINGS = {
    "seed": 7,
    "tasks": {
        "categories": ["code_understanding"], "per_category": 10, "per_file": 0,
        "strata": {"trivial": 30, "standard": 45, "hard": 25}, "control_percent": 20,
        "counterfactual_percent": 50, "vulnerable_percent": 50,
    },
}  # fmt: skip


def settings(**tasks):
    return {**SETTINGS, "tasks": {**SETTINGS["tasks"], **tasks}}


def made(count, *, strata=("trivial", "standard", "hard"), deletes=False, controls=3):
    """Proven tasks, in the order in which the pipeline looks at their units."""
    output = Output()
    for n in sorted(range(count), key=lambda n: mix.rank(7, "code_understanding", f"u{n}")):
        kind = "control" if n % controls == 0 else "bug"
        task_id = f"cu-{seeds.digest(n)[:12]}"
        shared = {"target": "t", "task_id": task_id, "category": "code_understanding",
                  "stratum": strata[n // 2 % len(strata)]}  # fmt: skip
        output.tasks.append({**shared, "path": f"f{n % 4}.py"})
        output.keys.append({
            **shared, "unit_id": f"u{n}", "kind": kind, "operator": "x",
            "key_json": json.dumps({"deletes": deletes and kind == "bug"}),
            "proof_json": json.dumps({"candidate": f"c{n}"}),
        })  # fmt: skip
        output.rejected.append({
            "target": "t", "candidate_id": f"r{n}", "category": "code_understanding",
            "unit_id": f"u{n}", "operator": "x", "gate": "bug_effect", "reason": "",
        })  # fmt: skip
    return output


def parts(output, count):
    found = [Output() for _ in range(count)]
    for table in ("tasks", "keys", "rejected"):
        for index, row in enumerate(getattr(output, table)):
            getattr(found[index % count], table).append(row)
    return found


def test_the_mix_of_the_config_is_drawn():
    found = select([made(80)], SETTINGS, "t")
    assert len(found.tasks) == 10
    assert Counter(row["stratum"] for row in found.tasks) == {
        "trivial": 3, "standard": 5, "hard": 2,
    } or Counter(row["stratum"] for row in found.tasks) == {
        "trivial": 3, "standard": 4, "hard": 3,
    }  # fmt: skip
    assert Counter(row["kind"] for row in found.keys) == {"bug": 8, "control": 2}
    assert {row["task_id"] for row in found.tasks} == {row["task_id"] for row in found.keys}
    assert max(Counter(row["path"] for row in found.tasks).values()) <= 4


def test_shards_and_their_order_leave_no_trace():
    whole = made(80)
    expected = select([whole], SETTINGS, "t")
    for count in (2, 5):
        pieces = parts(whole, count)
        random.Random(count).shuffle(pieces)
        found = select(pieces, SETTINGS, "t")
        for table in ("tasks", "keys", "rejected"):
            rows = [sorted(map(str, getattr(output, table))) for output in (found, expected)]
            assert rows[0] == rows[1]


def test_what_shards_did_beyond_enough_is_cut_off():
    whole = made(80)
    pairs = whole.pairs()
    stop = next(n for n in range(1, 81) if mix.enough(SETTINGS["tasks"], pairs[:n]))
    assert stop < 80
    short = Output(whole.tasks[:stop], whole.keys[:stop], whole.rejected[:stop])
    assert select([short], SETTINGS, "t") == select([whole], SETTINGS, "t")


def test_surplus_is_told_and_nothing_is_lost():
    found = select([made(30)], SETTINGS, "t")
    spare = [row for row in found.rejected if row["gate"] == "not_drawn"]
    proven = {f"c{n}" for n in range(30)}
    drawn = {json.loads(row["proof_json"])["candidate"] for row in found.keys}
    assert {row["candidate_id"] for row in spare} <= proven - drawn
    keys = [(row["candidate_id"], row["gate"]) for row in found.rejected]
    assert len(set(keys)) == len(keys)


def test_an_empty_stratum_is_filled_from_the_others_and_told():
    found = select([made(80, strata=("trivial", "standard"))], SETTINGS, "t")
    assert len(found.tasks) == 10
    told = [row["reason"] for row in found.rejected if row["gate"] == "short_of_mix"]
    assert [text for text in told if text.startswith("stratum hard")]


def test_controls_never_stand_in_for_bugs_and_deletions_are_few():
    found = select([made(40, controls=1)], SETTINGS, "t")
    assert len(found.tasks) == 2
    gone = select([made(60, deletes=True)], SETTINGS, "t")
    assert Counter(row["kind"] for row in gone.keys) == {"control": 2, "bug": 1}


def test_a_cap_on_files_holds():
    found = select([made(80)], settings(per_file=1), "t")
    assert max(Counter(row["path"] for row in found.tasks).values()) == 1
    assert len(found.tasks) == 4


def test_enough_never_turns_back():
    pairs = made(80).pairs()
    said = [mix.enough(SETTINGS["tasks"], pairs[:n]) for n in range(81)]
    assert said == sorted(said)
    assert said[-1]


def test_shares_add_up():
    assert mix.shares({"a": 30, "b": 45, "c": 25}, 20) == {"a": 6, "b": 9, "c": 5}
    assert sum(mix.shares({"a": 1, "b": 1, "c": 1}, 20).values()) == 20
    assert mix.shares({"control": 20, "bug": 80}, 3) == {"bug": 2, "control": 1}


def with_twins(output, *numbers):
    """Give some tasks a pair's id, and each of them a twin with steering text."""
    for number in numbers:
        names = f"cu-{seeds.digest(number)[:12]}", f"cu-{seeds.digest(number, 'twin')[:12]}"
        task = next(row for row in output.tasks if row["task_id"] == names[0])
        key = next(row for row in output.keys if row["task_id"] == names[0])
        shared = json.loads(key["key_json"]) | {"pair": f"p{number}"}
        key["key_json"] = json.dumps(shared | {"steered": False})
        output.tasks.append({**task, "task_id": names[1]})
        output.keys.append({**key, "task_id": names[1],
                            "key_json": json.dumps(shared | {"steered": True})})  # fmt: skip
    return output


def test_paired_variants_come_beside_what_is_drawn_and_are_not_counted():
    plain = select([made(80)], SETTINGS, "t")
    both = select([with_twins(made(80), *range(80))], SETTINGS, "t")
    steered = {row["task_id"] for row in both.keys if mix.steered(row)}
    assert [row for row in both.tasks if row["task_id"] not in steered] == plain.tasks
    assert len(both.tasks) == 20
    pairs = Counter(mix.pair_of(row) for row in both.keys)
    assert set(pairs.values()) == {2}
    assert not any(mix.pair_of(row) for row in plain.keys)


def test_shards_leave_no_trace_with_variants():
    whole = with_twins(made(80), 1, 2, 3, 5, 8, 13)
    one = select([whole], SETTINGS, "t")
    three = select(parts(whole, 3), SETTINGS, "t")
    assert sorted(row["task_id"] for row in one.tasks) == sorted(
        row["task_id"] for row in three.tasks
    )


def test_an_operator_is_drawn_as_often_in_either_kind():
    """Were one weakness mostly drawn as vulnerable, its name would tell the kind."""
    whole = made(160, controls=2)
    for key in whole.keys:
        key["operator"] = f"op{int(key['unit_id'][1:]) // 2 % 5}"
    found = select([whole], settings(control_percent=50, per_category=20), "t")
    drawn = Counter((row["operator"], row["kind"]) for row in found.keys)
    assert {operator for operator, _ in drawn} == {f"op{n}" for n in range(5)}
    for number in range(5):
        kinds = [drawn[f"op{number}", kind] for kind in ("bug", "control")]
        assert abs(kinds[0] - kinds[1]) <= 1, drawn
