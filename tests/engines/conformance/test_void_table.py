"""Each void rule of docs/void.md, provoked: the row says what the page says, word for word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assay.engines._answers import Stream, checked

ENGINES = ("llamacpp", "ollama", "vllm")
PAGE = Path(__file__).parents[3] / "docs" / "void.md"
ROW = re.compile(r"^\| ?(.*?) \| (llamacpp|ollama|vllm|all) \| `([^`]+)` \|$", re.MULTILINE)
LONG = " ".join(["word"] * 70)
# Beginning of the rule -> how the fake is told to break it: its weights, a prompt, parameters.
BROKEN = {
    "the prompt and its budget": ("fake", LONG, {"context": 64}),
    "the context was shifted": ("fake", "shifted", {}),
    "it read fewer": ("fake", "shortened prompt", {}),
    "some of the prompt": ("fake", "cached prompt", {}),
    "part of the model": ("spilled", "hello", {"gpu_layers": 99}),
    "the same, by `/api/ps`": ("quiet", "hello", {"gpu_layers": 99}),
    "an end of an unknown kind": ("fake", "strange", {}),
    "the same request": ("fake", "dead", {}),
}


def stated() -> list[tuple[str, str, str]]:
    """Return (rule, engine, message) of the page; a rule's further rows leave its cell empty."""
    found, rule = [], ""
    for named, engine, message in ROW.findall(PAGE.read_text(encoding="utf-8")):
        rule = named or rule
        found.append((rule, engine, message))
    return found


def test_the_page_has_every_rule():
    rules = {rule for rule, _, _ in stated()}
    assert len(rules) == len(BROKEN)
    assert all(any(rule.startswith(start) for rule in rules) for start in BROKEN)


@pytest.mark.parametrize(
    ("subject", "rule", "message"),
    [
        (name, rule, message)
        for rule, engine, message in stated()
        for name in (ENGINES if engine == "all" else [engine])
    ],
    indirect=["subject"],
)
def test_a_void_row_says_what_the_page_says(fake, rule, message):
    start = next(start for start in BROKEN if rule.startswith(start))
    weights, prompt, parameters = BROKEN[start]
    request = fake.request(prompt)
    with fake.open(weights, **parameters) as engine:
        answer = Stream(engine).ask(request) if prompt == "dead" else engine.answer(request)
    assert checked(answer).void == message
