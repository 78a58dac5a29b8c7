from assay.reporting.table import aligned


def test_the_table_says_who_scored_what(usual, rendered):
    lines = rendered(usual).table.splitlines()
    assert lines[0] == "Assay: pilot"
    assert lines[2].split() == [
        "model", "passed", "rate", "95", "%", "interval", "code_generation", "code_understanding",
        "security_audit", "unreadable", "void",
    ]  # fmt: skip
    assert lines[4].split()[:6] == ["small", "14/58", "24.1", "%", "15.0\N{EN DASH}36.5", "%"]
    assert "small: 2 of 60 answers are void" in lines[8]
    assert lines[-1].startswith("Report: ")
    assert len({len(line) for line in lines[2:7]}) == 1


def test_hostile_names_and_formulas_stay_text():
    lines = aligned([["=cmd|' /C calc'!A0", "\x1b[2Jx"], ["a\nb\tc", "\u202e1"]])
    assert lines == ["=cmd|' /C calc'!A0  \\x1b[2Jx", "a b c                \\u202e1"]


def test_a_saturated_set_is_said_on_the_terminal(run, rendered):
    run.target("cerberus").model("small", 100)
    assert "Saturated: the only model passes at least 95 % of the tasks" in rendered(run).table
