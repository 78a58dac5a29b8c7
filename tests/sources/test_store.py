"""The cache of archives: by digest, all or nothing."""

import hashlib

import pytest

from assay.core.errors import UserError
from assay.sources import store
from assay.sources.store import local_chunks, local_path, stored

DATA = [b"one", b"two"]
DIGEST = hashlib.sha256(b"onetwo").hexdigest()


def never():
    raise AssertionError("asked for the bytes again")


def test_the_bytes_are_asked_for_once(tmp_path):
    place = stored(tmp_path, DIGEST, "x", lambda: DATA)
    assert place == tmp_path / "archives" / DIGEST
    assert place.read_bytes() == b"onetwo"
    assert stored(tmp_path, DIGEST, "x", never) == place


def test_a_damaged_copy_is_replaced(tmp_path):
    place = stored(tmp_path, DIGEST, "x", lambda: DATA)
    place.write_bytes(b"onetw")
    assert stored(tmp_path, DIGEST, "x", lambda: DATA).read_bytes() == b"onetwo"


def test_other_bytes_are_refused_and_not_kept(tmp_path):
    with pytest.raises(UserError, match="sha256 differs") as caught:
        stored(tmp_path, DIGEST, "x.tar", lambda: [b"evil"])
    details = caught.value.details
    assert details["where"] == "x.tar"
    assert details["given"] == hashlib.sha256(b"evil").hexdigest()
    assert details["expected"] == DIGEST
    assert details["hint"]
    assert not list((tmp_path / "archives").iterdir())


def test_an_interrupted_fetch_leaves_nothing(tmp_path):
    def interrupted():
        yield b"one"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stored(tmp_path, DIGEST, "x", interrupted)
    assert not list((tmp_path / "archives").iterdir())


@pytest.mark.parametrize("digest", ["", "abc", DIGEST[:-1], DIGEST.upper(), "../" + DIGEST])
def test_a_digest_that_is_not_whole_is_refused(digest, tmp_path):
    with pytest.raises(UserError, match="whole sha256"):
        stored(tmp_path, digest, "x", never)


def test_an_archive_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "MAX_BYTES", 5)
    with pytest.raises(UserError, match="does not end"):
        stored(tmp_path, DIGEST, "x", lambda: DATA)
    assert not list((tmp_path / "archives").iterdir())


def test_local_addresses(tmp_path):
    path = tmp_path / "a b%é.tar"
    path.write_bytes(b"1")
    assert local_path(path.as_uri()) == path
    assert local_path(str(path)) == path
    assert b"".join(local_chunks(path)) == b"1"
    for bad in (tmp_path, tmp_path / "absent"):
        with pytest.raises(UserError, match="can't read the source archive") as caught:
            list(local_chunks(bad))
        assert caught.value.details["where"] == bad
