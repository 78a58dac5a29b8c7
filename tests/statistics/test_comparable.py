"""When two models are not compared: other tasks, other prompts, other limits."""

import pytest

from assay.statistics.comparable import incomparable, refusal, same_rendered


def rows(model="a", count=3, **other):
    return [
        {"model": model, "target": "t", "task_id": f"{number}", "prompt_sha256": f"p{number}",
         "rendered_sha256": f"r{number}", "max_tokens": 512, **other}
        for number in range(count)
    ]  # fmt: skip


def test_models_that_were_asked_the_same_are_compared():
    assert refusal(rows("a"), rows("b")[::-1]) is None
    assert incomparable([*rows("a"), *rows("b")]) == []


def test_another_chat_template_is_no_reason_and_is_counted():
    other = rows("b", rendered_sha256="another")
    other[2]["rendered_sha256"] = "r2"
    assert refusal(rows("a"), other) is None
    assert same_rendered(rows("a"), other) == (1, 3)
    other[0]["rendered_sha256"] = ""  # void: the engine gave no answer
    assert same_rendered(rows("a"), other) == (1, 2)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (rows("b", 2), "1 tasks were asked of one of them only, such as t/2"),
        (rows("b", target="u"), "6 tasks were asked of one of them only, such as t/0"),
        (rows("b", prompt_sha256="p1"), "2 tasks were asked with another prompt, such as t/0"),
        (rows("b", max_tokens=48), "3 tasks were asked with another limit of the answer"),
    ],
)
def test_other_tasks_prompts_or_limits_refuse_the_comparison_and_say_why(other, words):
    assert words in refusal(rows("a"), other)
    assert words in refusal(other, rows("a"))
    found = incomparable([*other, *rows("a"), *rows("c")])
    assert [it["models"] for it in found] == [["a", "b"], ["b", "c"]]
