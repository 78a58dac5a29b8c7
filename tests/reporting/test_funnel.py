import re

from assay.reporting import funnel
from assay.reporting.inputs import Inputs
from assay.statistics.summary import summary
from assay.synthesis import selection


def inputs_of(run):
    return Inputs("r", {}, summary("r", run.rows), run.rows, run.fingerprints)


def tables_of(run):
    return {
        column: {row["cells"][0]: row["cells"][1:] for row in table["rows"]}
        | {"head": table["head"]}
        for column, table in funnel.tables(inputs_of(run))
    }


def test_the_gates_of_the_draw_are_named_as_synthesis_names_them():
    assert (funnel.NOT_DRAWN, funnel.SHORT) == (selection.NOT_DRAWN, selection.SHORT)


def test_candidates_drops_proven_and_kept_by_target_category_and_operator(run):
    run.target("cerberus", 4)
    found = tables_of(run)
    # Each category: 12 rejected (gates 0…11 modulo 7 modulo 5; the last one is no drop), 4 kept.
    assert found["category"]["head"] == [
        "category", "candidates", "null answers", "right answer", "no leak", "strong oracle",
        "proven", "kept", "proven of candidates",
    ]  # fmt: skip
    assert found["category"]["code generation"] == ["16", "3", "3", "2", "2", "6", "4", "37.5 %"]
    assert found["target"]["cerberus"][0] == "48"
    assert set(found["operator"]) == {
        "head", "comparisons", "negation", "slices", "sql injection", "none"
    }  # fmt: skip
    for column in funnel.COLUMNS:
        rows = [row for name, row in found[column].items() if name != "head"]
        whole = [
            sum(int(row[place].replace("\N{EN DASH}", "0")) for row in rows) for place in range(7)
        ]
        assert whole[0] == 48
        assert sum(whole[1:5]) + whole[5] == whole[0]
        assert whole[6] == len(run.rows["tasks"])


def test_remarks_on_the_mix_are_no_candidates(run):
    run.target("cerberus", 2)
    before = tables_of(run)
    run.rows["rejected"].append({
        "target": "cerberus", "candidate_id": "security_audit:stratum hard",
        "category": "security_audit", "unit_id": "", "operator": "", "gate": "short_of_mix",
        "reason": "stratum hard: 6 asked for, 2 could be made",
    })  # fmt: skip
    assert tables_of(run) == before
    assert funnel.shortages(inputs_of(run)) == [
        "cerberus, security audit, stratum hard: 6 asked for, 2 could be made."
    ]


def test_each_target_has_its_own_figure(run):
    run.target("b_b", 3).target("a", 5)
    (first, figure), (second, _) = funnel.charts(inputs_of(run))
    assert (first, second) == ("a", "b_b")
    counts = dict(re.findall(r"<title>([^<:]+(?:: [^<:]+)?): (\d+)</title>", str(figure)))
    dropped = [int(count) for name, count in counts.items() if name.startswith("dropped")]
    assert int(counts["candidates"]) == 15 + 45
    assert int(counts["proven"]) == 60 - sum(dropped)
    assert int(counts["kept as tasks"]) == 15


def test_nothing_tried_is_no_error(run):
    assert [table["rows"] for _, table in funnel.tables(inputs_of(run))] == [[], [], []]
    assert funnel.charts(inputs_of(run)) == []
