"""The promises of the fuzz targets, over drawn inputs: the same ones each time."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzzing import answers, codec, corpus, frames
from fuzzing.watch import bounded

FIXED = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck),
)  # fmt: skip
TARGETS = {"answers": answers.run, "codec": codec.run, "frames": frames.run}
SEEDS = {name: corpus.seeds(name) for name in TARGETS}
WHOLE = st.sampled_from(corpus.texts())
TOKENS = st.sampled_from(corpus.TOKENS) | st.characters(codec="utf-8")
FORMS = st.sampled_from(answers.ORDER)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_what_fuzzing_starts_from_breaks_no_promise(name):
    for seed in SEEDS[name]:
        bounded(TARGETS[name])(seed)


@settings(FIXED, max_examples=400)
@given(st.lists(TOKENS, max_size=40).map("".join), FORMS)
def test_answers_of_any_tokens_are_read(answer, form):
    answers.read(answer, form)


@settings(FIXED, max_examples=300)
@given(WHOLE, st.lists(TOKENS, min_size=1, max_size=6).map("".join), st.floats(0, 1),
       st.integers(0, 40), FORMS)  # fmt: skip
def test_answers_with_a_part_replaced_are_read(answer, new, place, gone, form):
    at = int(place * len(answer))
    answers.read(answer[:at] + new + answer[at + gone :], form)


@settings(FIXED, max_examples=200)
@given(st.lists(st.tuples(WHOLE, st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=4), FORMS)
def test_answers_made_of_parts_of_others_are_read(parts, form):
    cut = [text[int(a * len(text)) : int(b * len(text))] for text, a, b in parts]
    answers.read("\n".join(cut), form)


TAGS = ("int", "float", "Decimal", "UUID", "date", "time", "datetime", "timedelta", "bytes", "type",
        "name", "new")  # fmt: skip
TAGGED = st.tuples(
    st.sampled_from(TAGS),
    st.text("0123456789-+:.eEnaxf TZ", max_size=12) | st.floats() | st.none(),
).map(list)
PLAIN = st.none() | st.booleans() | st.text(max_size=8) | st.integers() | st.floats()
ENCODED = TAGGED | st.recursive(
    TAGGED | PLAIN,
    lambda inner: (
        st.tuples(st.sampled_from(codec.codec.HOLDING), st.lists(inner, max_size=3)).map(list)
        | st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(FIXED, max_examples=600)
@given(ENCODED)
def test_forged_encodings_are_refused_or_give_a_value(told):
    codec.forged(told)


@settings(FIXED, max_examples=600)
@given(st.binary(max_size=300))
def test_values_come_back_as_they_were(data):
    codec.run(b"\1" + data)


@settings(FIXED, max_examples=400)
@given(st.sampled_from(SEEDS["frames"]), st.floats(0, 1), st.binary(max_size=6),
       st.sampled_from(corpus.TOKENS) | st.just(""), st.integers(0, 12))  # fmt: skip
def test_forged_frames_are_read(data, place, noise, token, gone):
    at = int(place * len(data))
    frames.run(data[:at] + noise + token.encode() + data[at + gone :])


def test_a_broken_promise_is_told(monkeypatch):
    monkeypatch.setattr(answers, "describe", lambda *_: {"length": float("nan")})
    with pytest.raises(ValueError, match="JSON"):
        answers.read("LINES: 3", "lines_and_code")
