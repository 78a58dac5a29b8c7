"""Finished answers outlive a kill; nothing else of a journal is believed."""

from __future__ import annotations

import json
import os
import resource

import pytest

from assay.core.errors import UserError
from assay.engines._journal import journal_path, open_journal, remove_journals
from assay.engines.base import Answer

FULL = Answer(
    "text\n\u2028ü", "r", thinking="why", finish_reason="length", prompt_tokens=1,
    completion_tokens=2, latency_us=3, ttft_us=4, prompt_us=5, decode_us=6,
)  # fmt: skip


@pytest.fixture
def filled(tmp_path, request_of):
    path = tmp_path / "j"
    with open_journal(path) as journal:
        for number in range(3):
            journal.put(request_of("a", number), FULL)
    return path


def held(path, request_of):
    with open_journal(path) as journal:
        return [n for n in range(3) if journal.get(request_of("a", n)) == FULL]


def test_answers_come_back_as_they_were(filled, request_of):
    assert held(filled, request_of) == [0, 1, 2]


def test_an_answer_is_on_the_disk_before_put_returns(tmp_path, request_of, monkeypatch):
    path, synced, real = tmp_path / "j", [], os.fsync

    def spy(handle):
        real(handle)
        synced.append((os.fstat(handle).st_ino, path.read_bytes()))

    monkeypatch.setattr(os, "fsync", spy)
    with open_journal(path) as journal:
        journal.put(request_of("a"), FULL)
        assert synced == [(path.stat().st_ino, path.read_bytes())]
    assert path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize("cut", [1, 2, 30])
def test_a_torn_last_line_is_cut_off_and_written_anew(filled, request_of, cut):
    whole = filled.read_bytes()
    filled.write_bytes(whole[:-cut])
    with open_journal(filled) as journal:
        assert journal.get(request_of("a", 1)) == FULL
        assert journal.get(request_of("a", 2)) is None
        journal.put(request_of("a", 2), FULL)
    assert filled.read_bytes() == whole


@pytest.mark.parametrize(
    "line",
    [
        b"\0" * 40, b"null", b"[]", b'{"request": "x"}', b'{"request": "x", "answer": null}',
        b'{"request": "x", "answer": 3}', b'{"request": 1, "answer": {}}', b"\xff\xfe",
        b'{"request": "x", "answer": {"response": "y"}}',
    ],
)  # fmt: skip
def test_a_line_that_is_no_answer_ends_what_is_believed(filled, request_of, line):
    first, *rest = filled.read_bytes().splitlines(keepends=True)
    filled.write_bytes(first + line + b"\n" + b"".join(rest))
    assert held(filled, request_of) == [0]


@pytest.mark.parametrize(
    "other", [{"prompt": "b"}, {"max_tokens": 17}, {"target": "s"}, {"number": 9}]
)
def test_an_answer_to_another_request_is_not_used(filled, request_of, other):
    with open_journal(filled) as journal:
        assert journal.get(request_of(**{"prompt": "a", "number": 0, **other})) is None


def test_journals_of_two_fingerprints_or_outputs_never_meet(tmp_path):
    one, two = tmp_path / "responses.parquet", tmp_path / "others.parquet"
    paths = {journal_path(one, "a" * 16), journal_path(one, "b" * 16), journal_path(two, "a" * 16)}
    assert len(paths) == 3
    for path in paths:
        path.touch()
    remove_journals(one)
    assert list(tmp_path.iterdir()) == [journal_path(two, "a" * 16)]


def test_a_full_disk_is_the_users_error_and_loses_no_finished_answer(filled, request_of):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with open_journal(filled) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (filled.stat().st_size + 50, hard))
        try:
            with pytest.raises(UserError, match="journal"):
                journal.put(request_of("a", 7), FULL)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert held(filled, request_of) == [0, 1, 2]


def test_a_line_is_canonical_json(filled):
    line = filled.read_bytes().splitlines()[0].decode()
    entry = json.loads(line)
    assert set(entry) == {"request", "answer", "sha256"}
    assert line == json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_no_byte_of_an_answer_can_change_unnoticed(filled, request_of):
    """A flipped bit in a text leaves sound JSON behind."""
    whole = filled.read_bytes()
    first = len(whole.splitlines(keepends=True)[0])
    for place in range(first):
        data = bytearray(whole)
        data[place] ^= 1
        filled.write_bytes(data)
        assert 0 not in held(filled, request_of), whole[:place][-20:]
