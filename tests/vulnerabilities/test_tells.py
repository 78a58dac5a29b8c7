"""Neither the words of a weave nor its place in the code may tell which twin it is."""

import ast
import re
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

from assay.categories import _exploit, security_audit
from assay.categories._weave import (
    BUILTINS,
    MODULES,
    POOLS,
    Site,
    WeaveError,
    free_names,
    node_of,
    weave,
)
from assay.core import registry
from assay.core.seeds import fraction, shuffled
from assay.statistics.tokens import Sample, tokens, told_apart
from assay.testbed.inside import probing
from assay.vulnerabilities import base

NAMES = registry.names("vulnerabilities")
WEAKNESSES = [registry.load("vulnerabilities", name).weakness({}) for name in NAMES]
PAIRS = [(weakness, item) for weakness in WEAKNESSES for item in weakness.weaves]
LEAST = {"trivial": 2, "standard": 3, "hard": 3, "adversarial": 2}
ROOT = Path(__file__).parents[2]


def by_name(pair):
    return f"{pair[0].name}-{pair[1].idiom}"


def twin(item, *, vulnerable):
    return "\n".join(item.lines(vulnerable=vulnerable)).replace("#!", "")


@pytest.mark.parametrize("pair", PAIRS, ids=by_name)
def test_both_twins_have_the_same_tokens_in_other_places(pair):
    weak, hardened = (twin(pair[1], vulnerable=flag) for flag in (True, False))
    assert weak != hardened
    assert tokens(weak) == tokens(hardened)


@pytest.mark.parametrize("pair", PAIRS, ids=by_name)
def test_a_weave_uses_known_slots_modules_and_builtins_only(pair):
    item = pair[1]
    assert item.stratum in base.STRATA
    for flag in (True, False):
        text = twin(item, vulnerable=flag)
        slots = set(re.findall(r"@(\w+)", text))
        assert slots <= {*POOLS, "param", "origin"}
        tree = ast.parse(text.replace("@", "slot_"))
        nodes = list(ast.walk(tree))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        bound = {node.id for node in nodes
                 if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}  # fmt: skip
        bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        free = {name for name in names - bound if not name.startswith("slot_")} - {"__name__"}
        assert free <= BUILTINS | {name.partition(".")[0] for name in MODULES}


@pytest.mark.parametrize("pair", PAIRS, ids=by_name)
def test_no_variable_of_a_weave_is_idle(pair):
    for flag in (True, False):
        text = twin(pair[1], vulnerable=flag)
        used = Counter(re.findall(r"@(\w+)", text))
        idle = {slot for slot, count in used.items() if count == 1} - {"param", "origin"}
        assert not idle


@pytest.mark.parametrize("weakness", WEAKNESSES, ids=lambda weakness: weakness.name)
def test_every_stratum_has_its_weaves_and_no_idiom_is_named_twice(weakness):
    found = Counter(item.stratum for item in weakness.weaves)
    assert {stratum: found[stratum] for stratum in LEAST if found[stratum] < LEAST[stratum]} == {}
    assert len({item.idiom for item in weakness.weaves}) == len(weakness.weaves)


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_worth_what_they_say(name):
    module = registry.load("vulnerabilities", name)
    jsonschema.Draft202012Validator.check_schema(module.PARAMETERS)
    assert module.PARAMETERS["additionalProperties"] is False
    fired = [module.weakness({}).fired(example["probe"]) for example in module.EXAMPLES]
    assert fired == [example["fired"] for example in module.EXAMPLES]
    assert set(fired) == {True, False}


def test_the_prompt_the_category_and_the_catalogue_list_the_same_kinds():
    text = (ROOT / "config" / "prompts" / "security_audit.md").read_text()
    shown = {int(number) for number in re.findall(r"(?m)^- CWE-(\d+):", text)}
    assert shown == {weakness.cwe for weakness in WEAKNESSES}
    equivalents = [number for weakness in WEAKNESSES for number in weakness.equivalents]
    assert sorted(equivalents) == sorted(security_audit.LISTED)
    sets = {weakness.equivalents for weakness in WEAKNESSES if len(weakness.equivalents) > 1}
    assert sets == {(77, 78, 88), (94, 95), (22, 23, 36)}
    assert set(security_audit.PROMPT_FACTOR) == set(base.STRATA)


def test_what_the_prompt_asks_of_an_exploit_is_what_a_probe_makes_and_a_judge_sees():
    text = (ROOT / "config" / "prompts" / "security_audit.md").read_text()
    told = {base.CANARY_FILE, str(probing.OUTSIDE), "SERVICE_TOKEN", "assay_canary()", "evil.test"}
    assert {word for word in told if f"`{word}`" not in text} == set()
    assert f"at most {_exploit.MAX_CHARS:,} characters" in text
    assert (probing.TEXT_MAX, probing.SECRET) == (base.CLIPPED, base.SECRET)
    assert Path(base.CANARY_FILE).parent == probing.CANARY


def hosts():
    """Real functions with a parameter of their own: those of this project's core."""
    for path in sorted((ROOT / "scripts" / "assay" / "core").glob("*.py")):
        text = path.read_text()
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.args.args and len(node.body) > 1:
                yield path.name, text, node


def simulated(draw):
    """One twin of a drawn weave in each unit, as a set of tasks has them."""
    for file, text, found in hosts():
        identity = f"{file}:{found.name}"
        row = {
            "kind": "function", "def_line": found.lineno, "start_line": found.lineno,
            "end_line": found.end_lineno,
        }  # fmt: skip
        node = node_of(text, row)
        for _, item in shuffled(PAIRS, draw, identity, key=by_name)[:8]:
            names = {**free_names(row, node, draw, identity), "param": node.args.args[0].arg}
            weak = fraction(draw, identity, item.idiom, item.template) < 0.5
            site = Site(row, text, node, 0, names["param"])
            try:
                woven = weave(site, item.lines(vulnerable=weak), names)
            except WeaveError:
                continue
            yield Sample(identity, weak, woven.source)


def test_a_bag_of_tokens_is_at_chance_over_simulated_tasks():
    found = [told_apart(list(simulated(draw))) for draw in range(3)]  # one alone varies by 0.1
    total = sum(figures["total"] for figures in found)
    assert total > 600
    assert 0.4 <= sum(figures["right"] + figures["ties"] / 2 for figures in found) / total <= 0.6


def test_a_tell_would_be_found():
    samples = [
        Sample(item.group, item.kind, item.text.replace("'", '"') if item.kind else item.text)
        for item in simulated(0)
    ]
    assert told_apart(samples)["share"] > 0.6
