"""The rules of the house (shared design, section 3), held for every file."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "scripts"
LIBRARY = SCRIPTS / "assay"
ROOMS = sorted(path.name for path in LIBRARY.iterdir() if (path / "__init__.py").is_file())
MODULES = sorted(LIBRARY.rglob("*.py"))
PROGRAMS = sorted(SCRIPTS.glob("*.py"))
STAGES = sorted((ROOT / "rules").glob("*.smk"))
PLUGIN_ROOMS = ("categories", "operators", "vulnerabilities", "engines")
PLUGINS = sorted(
    path for room in PLUGIN_ROOMS for path in (LIBRARY / room).glob("*.py")
    if path.name != "base.py" and not path.name.startswith("_")
)  # fmt: skip
NOT_STEPS = {
    "verify_manifest",  # run by make, on somebody else's manifest
    "publish_run",  # run by make, on a finished run
    "verify_run",  # run by make, on what somebody else has published
    "propose_target",  # run by make, to write a target's config
    "describe_publication",  # run by make, on a publication
    "check_attestation",  # run by make, on a publication that somebody has signed
    "pack_bundle",  # run by make, for a machine without a network
}
TARGET_RULES = {"all", "build_images", "revalidate_all"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def rules() -> dict[str, str]:
    found = {}
    for path in [ROOT / "Snakefile", *STAGES]:
        for block in re.split(r"(?m)^(?=rule )", path.read_text()):
            match = re.match(r"rule (\w+):", block)
            if match:
                body = re.split(r"\n\n\n", block)[0]
                found[match[1]] = body
    return found


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def test_every_rule_has_a_program_of_its_name_and_every_program_a_rule():
    assert set(rules()) - TARGET_RULES == {path.stem for path in PROGRAMS} - NOT_STEPS


@pytest.mark.parametrize("rule", sorted(set(rules()) - TARGET_RULES))
def test_a_rule_names_its_log_its_results_and_its_program_after_itself(rule):
    body = rules()[rule]
    assert f'RUN.log("{rule}"' in body
    assert f'"{rule}"' in re.search(r"output:(.*?)\n    \w+:", body, re.DOTALL)[1]
    assert re.search(rf'command\(\s*"{rule}"', body)
    assert re.fullmatch(r"[a-z]+_[a-z]+", rule), "rules are verb_noun"


@pytest.mark.parametrize("rule", sorted(rules()))
def test_a_rule_is_short_and_runs_a_shell_command_only(rule):
    body = rules()[rule]
    assert len([line for line in body.splitlines() if line.strip()]) <= 30
    assert not re.search(r"(?m)^    (run|script|notebook|wrapper):", body)


@pytest.mark.parametrize("rule", sorted(set(rules()) - TARGET_RULES))
def test_all_but_fetching_and_building_run_in_a_container(rule):
    on_host = rule.startswith("fetch_") or rule == "build_image"
    assert ("container:" in rules()[rule]) != on_host


def test_the_snakefile_and_the_stages_are_short():
    assert len((ROOT / "Snakefile").read_text().splitlines()) <= 80
    for path in STAGES:
        assert len(path.read_text().splitlines()) <= 150, name(path)


@pytest.mark.parametrize("path", STAGES, ids=name)
def test_a_stage_opens_with_its_inputs_and_outputs(path):
    head = path.read_text().splitlines()[:6]
    assert head[0].startswith("# ")
    if path.name != "common.smk":
        assert any(line.startswith("# In:") for line in head)
        assert any(line.startswith("# Out:") for line in head)


@pytest.mark.parametrize("path", PROGRAMS, ids=name)
def test_a_program_is_short(path):
    assert len(path.read_text().splitlines()) <= 60


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_and_its_functions_are_short(path):
    assert len(path.read_text().splitlines()) <= 250
    for function in functions(path):
        length = function.end_lineno - function.lineno + 1
        assert length <= 40, f"{function.name}: {length} lines"
        arguments = function.args
        count = len(arguments.posonlyargs + arguments.args + arguments.kwonlyargs)
        own = {"self", "cls"} & {argument.arg for argument in arguments.args[:1]}
        limit = 6 if function.name == "__init__" else 5  # an error's fields are its keywords
        assert count - len(own) <= limit, f"{function.name}: {count} parameters"


@pytest.mark.parametrize("path", [*MODULES, *PROGRAMS], ids=name)
def test_a_module_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", [*MODULES, *PROGRAMS], ids=name)
def test_nothing_below_scripts_knows_snakemake(path):
    assert not {module for module in imported(path) if module.split(".")[0] == "snakemake"}


@pytest.mark.parametrize("path", sorted((LIBRARY / "core").glob("*.py")), ids=name)
def test_core_imports_no_other_room(path):
    own = {module for module in imported(path) if module.startswith("assay.")}
    assert all(module.startswith("assay.core") for module in own)


@pytest.mark.parametrize("path", PLUGINS, ids=name)
def test_a_plugin_imports_core_and_its_own_base_only(path):
    room = path.parent.name
    own = {module for module in imported(path) if module.startswith(("assay", "."))}
    allowed = rf"assay\.core(\..*)?|assay\.{room}(\.base|\._\w+)?"
    assert not [module for module in own if not re.fullmatch(allowed, module)]


@pytest.mark.parametrize("path", PLUGINS, ids=name)
def test_a_plugin_carries_its_description_parameters_and_examples(path):
    tree = ast.parse(path.read_text())
    assigned = {
        target.id
        for node in tree.body
        for target in (
            node.targets if isinstance(node, ast.Assign)
            else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if isinstance(target, ast.Name)
    }  # fmt: skip
    assert ast.get_docstring(tree)
    assert {"PARAMETERS", "EXAMPLES"} <= assigned


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_rooms_reach_plugins_through_the_registry_only(path):
    if path.parent.name in PLUGIN_ROOMS:
        return
    plugins = {f"assay.{plugin.parent.name}.{plugin.stem}" for plugin in PLUGINS}
    assert not imported(path) & plugins


BANNED_CALLS = {
    "hash": "not the same in two processes",
    "eval": "never on data",
    "exec": "only the sandbox runs code",
}
RUNS_UNTRUSTED_CODE = {"worker.py"}


@pytest.mark.parametrize("path", [*MODULES, *PROGRAMS], ids=name)
def test_no_banned_form(path):
    tree = ast.parse(path.read_text())
    in_sandbox = path.parent.name in {"testbed", "inside"}
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Assert), f"line {node.lineno}: no assert outside tests"
        if isinstance(node, ast.ExceptHandler) and not in_sandbox:
            caught = ast.unparse(node.type) if node.type else "everything"
            assert caught not in {"Exception", "BaseException", "everything"}, node.lineno
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not in_sandbox:
            assert node.func.id not in BANNED_CALLS, f"{node.func.id} in line {node.lineno}"
        if isinstance(node, ast.keyword) and node.arg == "shell":
            assert not (isinstance(node.value, ast.Constant) and node.value.value is True)


FLOAT_AGGREGATES = re.compile(r"\.(group_by|unique|value_counts)\((?![^)]*maintain_order=True)")


@pytest.mark.parametrize("path", [*MODULES, *PROGRAMS], ids=name)
def test_no_polars_form_whose_order_or_sum_may_vary(path):
    assert not FLOAT_AGGREGATES.search(path.read_text())


def test_no_registry_host_and_no_path_of_this_machine_is_written_down():
    hosts = (
        "pypi" + ".org",
        "deb.debian" + ".org",
        "registry.npmjs" + ".org",
        "pythonhosted" + ".org",
    )
    ours = ("/work" + "/main", "/tmp" + "/dev", "/root" + "/")
    command = ["git", "ls-files", "-coz", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    # An attack looks for folders that somebody's machine may have.
    attacks = "tests/attacks/cases/"
    for path in [ROOT / n for n in listed.split("\0") if n and not n.startswith(attacks)]:
        text = path.read_text(errors="replace") if path.is_file() else ""
        assert not [word for word in (*hosts, *ours) if word in text], name(path)


def test_tests_mirror_the_rooms():
    assert {room for room in ROOMS if not list((ROOT / "tests" / room).glob("test_*.py"))} == set()
