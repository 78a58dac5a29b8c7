"""What the report says of the engines: the probe, the cache, refused comparisons, overhead."""

import pytest


@pytest.fixture
def pair(run):
    run.target("cerberus").model("small", 40).model("large", 60).model("null", 0, "null")
    return run


def probe_of(run, model):
    return run.fingerprints[model]["measured"]["probe"]


def test_nothing_is_said_of_engines_that_behave(pair, rendered):
    done = rendered(pair)
    assert "repeat itself" not in done.table
    assert "response cache" not in done.table
    assert "compared" not in done.table
    assert done.summary["incomparable"] == []
    marks = {name: it["deterministic"] for name, it in done.summary["models"].items()}
    assert marks == {"small": True, "large": True, "null": None}
    assert "<td>9/9</td>" in done.page
    assert "<td>1.5 %</td>" in done.page, "the overhead"
    assert "small" in done.page.split('id="conduct"')[1].split("</table>")[0]
    assert "null" not in done.page.split('id="conduct"')[1].split("</table>")[0]


def test_an_engine_that_does_not_repeat_itself_is_told_with_prompt_and_pass(pair, rendered):
    for row in pair.rows["responses"]:
        if row["model"] == "small":
            row["deterministic"] = False
    probe_of(pair, "small").update(
        deterministic=False, different=2,
        first_difference={"pass": "warm", "prompt": "read", "field": "response", "character": 7,
                          "cold": "<b>x", "here": "y"},
    )  # fmt: skip
    done = rendered(pair)
    sentence = (
        "small: the engine does not repeat itself: 2 of 9 repeated answers differ from the cold "
        "ones; the first is warm, prompt `read`: response, from character 7 on."
    )
    assert sentence in done.table
    assert sentence in done.page
    assert "<td>7/9</td>" in done.page
    assert done.summary["models"]["small"]["deterministic"] is False
    assert "<b>x" not in done.page


def test_rows_that_are_marked_are_told_without_a_probe_at_hand(pair, rendered):
    pair.rows["responses"][0]["deterministic"] = False
    del pair.fingerprints["small"]["measured"]["probe"]
    del pair.fingerprints["small"]["measured"]["stream"]
    assert "small: the engine does not repeat itself. Its rows" in rendered(pair).table


def test_what_the_cards_did_is_shown_where_there_are_some(pair, rendered):
    assert "<h3>Cards</h3>" not in rendered(pair).page
    pair.fingerprints["small"]["measured"]["cards"] = [{
        "card": "0, NVIDIA <X9>", "samples": 40, "held_down": ["0x4"], "clocks.sm": None,
        "clocks.mem": [2619, 2619, 2619], "power.draw": [70.5, 153.2, 165.4],
        "temperature.gpu": [37, 37.9, 38], "memory.used": [4, 1048.1, 1061],
        "utilization.gpu": [0, 70.8, 82],
    }]  # fmt: skip
    part = rendered(pair).page.split("<h3>Cards</h3>")[1].split("</table>")[0]
    assert "0, NVIDIA &lt;X9&gt;" in part
    for cell in ("70 / 153 / 165", "37 / 38 / 38", "4 / 1,048 / 1,061", "0x4"):
        assert f"<td>{cell}</td>" in part


def test_signs_of_a_cache_are_told(pair, rendered):
    probe = probe_of(pair, "small")
    probe["faster"] = ["ttft_us"]
    probe["times"]["ttft_us"].update(warm=20_000, reordered=24_000)
    probe_of(pair, "large")["cached_tokens"] = 40
    said = rendered(pair).table
    assert "small: the first token took 490 ms the first time and 24 ms when it was rep" in said
    assert "large: 40 prompt tokens of the probe came from a cache" in said


def test_answers_from_the_response_cache_are_told(pair, rendered):
    for row in pair.rows["telemetry"][:7]:
        row["from_cache"] = True
    assert "small: 7 of 60 answers come from the response cache" in rendered(pair).table


def test_models_that_were_asked_otherwise_are_not_compared(pair, rendered):
    row = next(row for row in pair.rows["responses"] if row["model"] == "small")
    row["max_tokens"] = 48
    done = rendered(pair)
    why = "1 tasks were asked with another limit of the answer, such as cerberus/"
    assert f"large and small can't be compared: {why}" in done.table
    assert [it["models"] for it in done.summary["incomparable"]] == [
        ["large", "small"], ["null", "small"],
    ]  # fmt: skip
    assert why in done.page.split("Pairs of models")[1]


def test_many_refused_pairs_are_counted(pair, rendered):
    pair.model("third", 50).model("fourth", 50)
    for row in pair.rows["responses"]:
        row["prompt_sha256"] += row["model"]
    said = rendered(pair).table
    assert said.count("can't be compared") == 3
    assert "Nor can 7 more pairs of models." in said


def test_an_engine_that_is_not_probed_is_shown_as_such(pair, rendered):
    pair.fingerprints["small"]["measured"].update(
        probe=None, stream={"answers": 0, "wall_us": 0, "engine_us": 0}
    )
    assert "<td>not probed</td>" in rendered(pair).page
