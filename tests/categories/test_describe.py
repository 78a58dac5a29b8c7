"""The rendered text of a scenario is Python that does what it says."""

import doctest

import pytest

from assay.categories import _describe
from assay.core import codec

SCHEMA = {"age": {"type": "integer", "min": 18}}


def data(calls, init=None, entry="cerberus:Validator"):
    return {
        "entry": entry,
        "init": [codec.encode([SCHEMA]), codec.encode({})] if init is None else init,
        "calls": [[name, codec.encode(args), codec.encode(kwargs)] for name, args, kwargs in calls],
        "observe": ["errors"],
    }


def observation(*returned, **state):
    return {
        "calls": [{"returned": codec.encode(item)} for item in returned],
        "state": {name: codec.encode(item) for name, item in state.items()},
        "arguments": None,
    }


def test_scenario_reads_like_doctest():
    text = _describe.scenario(
        data([("validate", [{"age": 10}], {"update": True})]),
        observation(False, errors={"age": ["min value is 18"]}, update=True),
        ["errors"],
    )
    assert text == (
        ">>> validator = Validator({'age': {'type': 'integer', 'min': 18}})\n"
        ">>> validator.validate({'age': 10}, update=True)\n"
        "False\n"
        ">>> validator.errors\n"
        "{'age': ['min value is 18']}"
    )


def test_plain_arguments_and_encoded_ones_render_alike():
    encoded = data([("", [1, "a"], {"k": None})], entry="m:f")
    encoded["init"] = None
    plain = {**encoded, "calls": [["", [["int", "1"], "a"], {"k": None}]]}
    assert _describe.scenario(encoded) == _describe.scenario(plain) == ">>> f(1, 'a', k=None)"


def test_raised_exceptions_name_type_and_text():
    seen = {"calls": [{"raised": ["cerberus.schema:SchemaError", "bad"]}], "state": {}}
    text = _describe.scenario(data([("validate", [{}], {})]), seen)
    assert text.endswith("\nraises SchemaError: bad")


@pytest.mark.parametrize(
    "value",
    [
        None, True, "it's", -3, 1.5, b"\x00a", [], (), {}, set(), (1,), {1, 2, 3}, frozenset(),
        frozenset({"b", "a"}), {"a": [1, {"b": (None,)}]}, int, [str] * 3,
        {f"key {n}": list(range(n)) for n in range(30)}, [["x" * 40] * 3, {"y" * 90}],
        {"deep": {"deeper": {"deepest": ["long text " * 8, "long text " * 8]}}},
    ],
)  # fmt: skip
def test_values_are_python_that_evaluates_to_them(value):
    text = _describe.value(codec.encode(value))
    assert eval(text) == value
    assert type(eval(text)) is type(value)


def test_infinite_floats_are_python_too():
    assert eval(_describe.value(codec.encode([float("inf"), float("nan")])))[0] == float("inf")


def test_sets_do_not_depend_on_the_hash_seed():
    assert _describe.value(codec.encode({"b", "a", "c"})) == "{'a', 'b', 'c'}"


def test_wide_calls_are_broken_into_lines_that_doctest_accepts():
    wide = {f"field {n}": {"type": "string", "allowed": ["a", "b"]} for n in range(6)}
    text = _describe.scenario(data([("", [wide], {})], init=[[], {}], entry="m:dict_of"))
    assert max(map(len, text.split("\n"))) <= _describe.WIDTH + 4
    examples = doctest.DocTestParser().get_examples(text)
    assert [example.source.count("\n") > 1 for example in examples] == [False, True]


def test_what_no_codec_knows_is_an_object():
    assert _describe.value({"opaque": "toy.box.Box"}) == "<Box object>"
    assert _describe.value(["complex", "1"]) == "<an object>"


def test_a_constructor_that_raises_ends_the_scenario():
    seen = {"calls": [{"raised": ["SchemaError", "bad"]}], "state": {}, "init": "raised"}
    text = _describe.scenario(data([("validate", [{}], {})]), seen)
    assert text.split("\n")[1:] == ["raises SchemaError: bad"]


def test_a_changed_argument_is_told():
    seen = observation(True, errors={})
    given = [codec.encode([({"a": 1, "b": 2},), {}])]
    text = _describe.scenario(
        data([("validate", [{"a": 1}], {})]), {**seen, "arguments": [None, *given]}
    )
    assert "True\n# argument 1 is changed to: {'a': 1, 'b': 2}\n>>> validator.errors" in text
    same = [codec.encode([({"a": 1},), {}])]
    text = _describe.scenario(
        data([("validate", [{"a": 1}], {})]), {**seen, "arguments": [None, *same]}
    )
    assert "argument" not in text


def test_only_attributes_that_differ_vary():
    seen = [observation(True, errors={}, update=False), observation(True, errors=[], update=False)]
    assert _describe.varying(seen) == ["errors"]


def test_imports_are_sorted_statements():
    found = _describe.imports([data([]), data([], entry="cerberus.utils:quote"), data([])])
    assert found == ["from cerberus import Validator", "from cerberus.utils import quote"]


def test_objects_of_other_modules_that_are_called_alike_are_told_apart():
    def used(module):
        app = ["name", f"{module}:app"]
        given = {
            "entry": "web:Client", "init": [["list", [app]], codec.encode({})], "observe": [],
            "calls": [["get", codec.encode(["/"]), codec.encode({})]],
        }  # fmt: skip
        return given, {"calls": [{"returned": "text"}], "state": {}, "arguments": [
            [["list", [app]], codec.encode({})], [codec.encode(["/"]), codec.encode({})],
        ]}  # fmt: skip

    pairs = _describe.told_apart([used("docs.a.one"), used("docs.a.two"), used("docs.b.one")])
    assert _describe.imports(data for data, _ in pairs) == [
        "from docs.a.one import app as a_one_app",
        "from docs.a.two import app as a_two_app",
        "from docs.b.one import app as b_one_app",
        "from web import Client",
    ]
    texts = [_describe.scenario(*pair) for pair in pairs]
    assert [text.split("\n")[0] for text in texts] == [
        f">>> client = Client({name}_app)" for name in ("a_one", "a_two", "b_one")
    ]
    assert all("changed" not in text for text in texts)


def test_an_object_that_has_its_name_alone_keeps_it():
    given = {
        "entry": "web:Client", "init": [["list", [["name", "docs.a:app"]]], codec.encode({})],
        "calls": [], "observe": [],
    }  # fmt: skip
    assert _describe.told_apart([(given, {}), (given, {})]) == [(given, {}), (given, {})]
