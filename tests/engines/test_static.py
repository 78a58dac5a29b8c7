"""The reference solver `static`: what it finds in a prompt, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from assay.categories import _prompts
from assay.core.errors import HarnessError, UserError
from assay.core.settings import read_yaml
from assay.engines import static
from assay.scoring.extraction import extract

ROOT = Path(__file__).parents[2]
PARAMETERS = read_yaml(ROOT / "config/models/static.yaml")["parameters"]
TEMPLATE = (ROOT / "config/prompts/security_audit.md").read_text()

# (CWE, imports, code, lines of the dangerous calls)
WEAK = [
    (78, "import os", "def f(a):\n    os.system('ls ' + a)", [2]),
    (78, "import subprocess", "def f(a):\n    subprocess.run(\n        a, shell=True)", [2]),
    (78, "import subprocess as s", "def f(a):\n    s.run(['sh', '-c', a])", [2]),
    (89, "", "def f(self, a):\n    q = f'SELECT {a}'\n    self.db.execute(q)", [3]),
    (89, "", "def f(db, a):\n    db.execute('SELECT %s' % a)", [2]),
    (95, "", "def f(a):\n    return eval(a, {})", [2]),
    (95, "", "def f(a):\n    exec(a)", [2]),
    (22, "import os", "def f(a):\n    p = os.path.join('/x', a)\n    return open(p).read()", [3]),
    (22, "import pathlib", "def f(a):\n    return (pathlib.Path('/x') / a).read_text()", [2]),
    (502, "from pickle import loads", "def f(a):\n    return loads(a)", [2]),
    (502, "import yaml", "def f(a):\n    return yaml.load(a, yaml.Loader)", [2]),
    (918, "import urllib.request", "def f(a):\n    urllib.request.urlopen('http://' + a)", [2]),
    (918, "import requests", "def f(a):\n    return requests.get(a, timeout=3)", [2]),
    (611, "from lxml import etree", "def f(a):\n    etree.XML(a, XMLParser(load_dtd=True))", [2]),
    (611, "import xml.dom.minidom as m", "def f(a):\n    return m.parseString(a)", [2]),
    (1336, "import jinja2", "def f(a):\n    return jinja2.Template(a).render()", [2]),
    (1336, "", "def f(self, a):\n    return a.format(self)", [2]),
]  # fmt: skip
CLEAN = [
    ("import os", "def f(a):\n    os.system('ls')\n    return os.path.join('/x', a)"),
    ("import subprocess", "def f(a):\n    subprocess.run(['ls', a], shell=False)"),
    ("", "def f(db, a):\n    q = 'SELECT ?'\n    db.execute(q, (a,))"),
    ("import ast", "def f(a):\n    return ast.literal_eval(a), open('x')"),
    ("import yaml, json", "def f(a):\n    return yaml.load(a, yaml.SafeLoader), json.loads(a)"),
    ("import jinja2", "def f(a):\n    return jinja2.Template('{{ a }}').render(a=a)"),
    ("", "def f(a):\n    return '{}'.format(a), [n for n in a if n['open']]"),
]  # fmt: skip


def prompt(code: str, imports: str = "") -> str:
    listing = "\n".join(f"{n:>2} | {line}".rstrip() for n, line in enumerate(code.split("\n"), 1))
    values = {"kind": "function", "package": "p", "path": "p.py", "name": "f", "class": ""}
    values |= {"exploit": "yes"}  # the longest form: an exploit is not given, findings are
    return _prompts.fill(TEMPLATE, {**values, "listing": listing, "imports": imports})


def solve(text: str, category: str = "security_audit", **parameters) -> str:
    task = {"task_id": "t1", "category": category, "prompt": text}
    return static.solve(task, None, {"parameters": {**PARAMETERS, **parameters}})


def test_the_model_file_fits_the_schema():
    Draft202012Validator(static.PARAMETERS).validate(PARAMETERS)
    for example in static.EXAMPLES:
        Draft202012Validator(static.PARAMETERS).validate(example)
        solve(prompt("def f(a):\n    pass"), **example)


@pytest.mark.parametrize(("cwe", "imports", "code", "lines"), WEAK)
def test_a_weakness_is_found_at_its_call(cwe, imports, code, lines):
    answer = solve(prompt(code, imports))
    assert answer == "".join(f"CWE-{cwe} LINE {line}\n" for line in lines)
    assert extract(answer, "findings").findings == tuple((cwe, line) for line in lines)


@pytest.mark.parametrize(("imports", "code"), CLEAN)
def test_harmless_calls_are_left_alone(imports, code):
    assert solve(prompt(code, imports)) == "NONE\n"


def test_each_half_finds_something_by_itself():
    text = prompt("def f(a):\n    return eval(a)")
    assert solve(text, rules=[]) == solve(text, bandit={}) == "CWE-95 LINE 2\n"
    assert solve(text, rules=[], bandit={}) == "NONE\n"


def test_a_comment_does_not_hide_a_finding():
    assert solve(prompt("def f(a):\n    return eval(a)  # nosec"), rules=[]) == "CWE-95 LINE 2\n"


def test_findings_are_sorted_and_said_once():
    code = "def f(a):\n    eval(a)\n    open('/' + a)\n    eval(a); os.system(a)"
    expected = "CWE-95 LINE 2\nCWE-22 LINE 3\nCWE-78 LINE 4\nCWE-95 LINE 4\n"
    assert solve(prompt(code, "import os\n\nimport re")) == expected


def test_the_code_is_read_back_as_it_was_shown():
    code = "def f(a):\n    '''\n    ```python\n\n    3 | x\n    '''\n    return a"
    assert static.shown(prompt(code, "import os")) == ("import os\n", code + "\n")
    assert static.shown("nothing here") == ("", "")


def test_other_categories_get_the_empty_answer_and_a_prompt_without_code_is_an_error():
    assert solve("no code", category="code_generation") == ""
    assert solve("no code", category="code_understanding") == ""
    with pytest.raises(HarnessError, match="t1"):
        solve("no code")


def test_a_rule_that_is_none_is_named():
    broken = [{"id": "mine", "cwe": 78, "rule": {"kind": "no such kind"}}]
    with pytest.raises(UserError, match="mine"):
        solve(prompt("def f(a):\n    pass"), rules=broken)
