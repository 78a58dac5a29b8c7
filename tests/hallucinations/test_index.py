"""The index: what inspection and the texts put into it."""

from __future__ import annotations

import json

from assay.core.records import API_INDEX
from assay.core.tables import read_table, write_table
from assay.hallucinations.index import build, files_of
from assay.hallucinations.scan import scan
from assay.sources import tree


def head(rows, scope):
    return next(row for row in rows if row["scope"] == scope and not row["name"])


def names(rows, scope):
    return {row["name"]: row for row in rows if row["scope"] == scope and row["name"]}


def test_a_class_has_what_it_is_given_and_what_its_methods_set(rows):
    cart = names(rows, "shop.cart:Cart")
    assert {"name", "owner", "first", "last", "cached", "sum_of", "refill"} <= set(cart)
    assert cart["refill"]["keywords"] == ["unit", "**"]  # what stands before the slash has no name
    own = head(rows, "shop.cart:Cart")
    assert own["bases"] == ["shop.cart:Base", "builtins:object"]
    assert (own["keywords"], own["open"], own["factory"]) == (["owner", "discount"], False, False)


def test_what_text_can_not_tell_is_open(rows):
    opened = {scope: head(rows, scope)["open"] for scope in (
        "shop.cart", "shop.lazy", "shop.broken", "shop.broken:Kept", "shop.cart:Lazy",
        "shop.cart:Filled", "json", "os", "nothing_of_this_name", "msvcrt",
    )}  # fmt: skip
    assert [scope for scope, is_open in opened.items() if not is_open] == [
        "shop.cart",
        "json",
        "os",
    ]
    assert head(rows, "nothing_of_this_name")["origin"] == "named"


def test_a_module_that_ends_the_process_takes_nothing_with_it(rows, records):
    packages = {record["package"] for record in records}
    assert "leaver" not in packages
    assert {"shop", "json", "zlib"} <= packages
    assert head(rows, "leaver")["open"]
    shop = next(record for record in records if record["package"] == "shop")
    assert sorted(shop["modules"]) == ["shop", "shop.cart", "shop.errors", "shop.lazy"]


def test_the_standard_library_is_seen_from_inside(rows):
    assert names(rows, "os")["path"]["ref"] == "posixpath"
    assert names(rows, "json")["JSONDecoder"]["ref"] == "json.decoder:JSONDecoder"
    assert "maketrans" in names(rows, "builtins:str")
    assert head(rows, "pathlib:Path")["factory"]


def test_the_rows_make_a_table_of_the_same_bytes(rows, records, tmp_path):
    own = [record for record in records if record["package"] in {"shop", "json", "builtins"}]
    for name, given in (("a", own), ("b", json.loads(json.dumps(own)))):
        write_table(tmp_path / name, API_INDEX, build("shop", given, []))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert len(rows) > len(read_table(tmp_path / "a", API_INDEX)) > 1000


def test_files_of_source_roots_are_named_from_there(tmp_path):
    entries = {
        "src/shop/a.py": tree.Entry(tree.FILE, b"1"),
        "docs/b.py": tree.Entry(tree.FILE, b"2"),
    }
    tree.write(tmp_path / "source.tar", entries)
    tree.write(tmp_path / "environment.tar", {"requirement/x/y.py": tree.Entry(tree.FILE, b"3")})
    both = (tmp_path / "environment.tar", tmp_path / "source.tar")
    assert list(files_of(*both, ["src"])) == [
        ("requirement", "x/y.py", b"3"), ("target", "shop/a.py", b"1"),
    ]  # fmt: skip
    assert [path for _, path, _ in files_of(*both, [".", "src"])] == [
        "x/y.py", "docs/b.py", "shop/a.py",
    ]  # fmt: skip


def test_a_module_that_may_grow_is_open():
    assert not scan(
        "m", "x = globals()['y']\ndef f():\n    return 'x' in globals(), globals()['x']"
    ).module.open
    assert scan("m", "def f():\n    globals()['x'] = 1").module.open
    assert scan("m", "def f():\n    globals().update(x=1)").module.open
    assert scan("m", "import m\ndef f(k):\n    setattr(m, k, 1)").module.open
    assert scan("m", "def __getattr__(name):\n    return 1").module.open
    assert scan("m", "def f():\n    global late\n    late = 1").module.names["late"]
    assert scan("m", "def broken(:") is None
