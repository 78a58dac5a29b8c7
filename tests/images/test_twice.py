"""The comparison of two builds; the builds themselves are `make images-twice`."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from assay.core.errors import HarnessError, UserError
from assay.images import once
from assay.images.twice import compare_all, conditions, require_different, verdict

from .conftest import open_to_others

TELL = """
import json, os
print(json.dumps({"folder": os.getcwd(), "locale": os.environ["LC_ALL"], "user": os.getuid(),
                  "time zone": os.environ["TZ"], "umask": os.umask(0)}))
"""
LOCK = {"result": {"sha256": "a"}}
SEEN = {"cores": 1, "folder": "/x", "locale": "C", "time zone": "UTC", "umask": "022", "user": 0}
OTHER = {"cores": 2, "folder": "/y", "locale": "D", "time zone": "X", "umask": "077", "user": 9}


def test_only_two_builds_equal_to_the_lock_are_equal():
    def told(*digests):
        return verdict(LOCK, [{"sha256": digest} for digest in digests])

    assert told("a", "a") == ""
    assert told("a", "b") == "first build a, second build b, lock a"
    assert told("b", "a")
    assert told("b", "b"), "equal twice is not enough: the lock promises the bytes"


@pytest.mark.parametrize("name", [name for name in SEEN if name != "cores"])
def test_a_variation_that_did_not_arrive_is_an_error(name):
    require_different([SEEN, OTHER | {"cores": 2}])
    with pytest.raises(HarnessError, match=f"did not differ in {name}"):
        require_different([SEEN, OTHER | {name: SEEN[name]}])


def test_an_unknown_image_is_named(repository, tmp_path):
    with pytest.raises(UserError, match=r"toolz(.|\n)*tools"):
        compare_all(repository, tmp_path, ["toolz"])


def test_the_two_conditions_arrive_in_the_programs(tmp_path):
    open_to_others(tmp_path)
    seen = []
    for condition in conditions(tmp_path):
        condition.folder.mkdir(exist_ok=True, parents=True)
        done = condition.start(["-c", TELL], stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr
        seen.append(json.loads(done.stdout))
    require_different([report | {"cores": number} for number, report in enumerate(seen)])
    assert [report["umask"] for report in seen] == [0o022, 0o077]
    assert seen[1]["user"] != 0


def test_a_program_tells_its_own_conditions(tmp_path):
    told = once.conditions(tmp_path)
    assert told["user"] == os.getuid()
    assert told["cores"] == len(os.sched_getaffinity(0))
    assert told["folder"] == str(tmp_path)
