"""A classical analyser as the baseline to beat: bandit, and ast-grep rules for the listed CWEs.

It sees what a model sees: the numbered code and the imports in the prompt. Its two halves are
parameters of the model file, so both are recorded: which of bandit's tests count as which of the
listed weaknesses, and the rules. Neither follows data, so a check that makes a call harmless is
not seen. Only `security_audit` is answered; the other categories get the empty answer.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from ast_grep_py import SgRoot

from assay.core.errors import HarnessError, UserError
from assay.engines.base import Settings

# What an ast-grep rule may hold, by its own documentation; ast-grep itself checks it when run.
_RULE = {
    "type": "object", "additionalProperties": False, "required": ["id", "cwe", "rule"],
    "properties": {
        "id": {"type": "string", "description": "name of the rule, for people"},
        "cwe": {"type": "integer", "minimum": 1, "description": "number of the weakness"},
        "rule": {"type": "object", "description": "ast-grep rule that matches the dangerous call"},
        "constraints": {"type": "object", "description": "of the rule's metavariables"},
    },
}  # fmt: skip
PARAMETERS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["bandit", "rules"],
    "properties": {
        "bandit": {
            "type": "object",
            "description": "bandit's test id -> CWE number that its findings are reported as",
            "additionalProperties": {"type": "integer", "minimum": 1},
            "propertyNames": {"pattern": "^B[0-9]{3}$"},
        },
        "utils": {"type": "object", "description": "ast-grep rules that the others refer to"},
        "rules": {"type": "array", "items": _RULE, "description": "ast-grep rules"},
    },
}
EXAMPLES: tuple[dict[str, Any], ...] = (
    {"bandit": {}, "rules": []},
    {
        "bandit": {"B307": 95},
        "utils": {"system": {"pattern": "os.system($C)"}},
        "rules": [{"id": "system", "cwe": 78, "rule": {"matches": "system"}}],
    },
)
NEEDS_KEYS = False
REFERENCE = True
REMOTE = False

Finding = tuple[int, int]  # line, CWE

_NUMBERED = re.compile(r"^ *(\d+) \|(?: (.*))?$", re.MULTILINE)
_IMPORTS = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Bandit's plug-in loader keeps a cache in the home folder; it goes on where it can't write one.
_ENVIRONMENT = {"HOME": "/dev/null", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}


def solve(task: Mapping[str, Any], key: Mapping[str, Any] | None, settings: Settings) -> str:
    """Return the findings, one a line, or NONE; an empty answer to the other categories.

    Raises HarnessError if the prompt shows no numbered code, UserError for a rule that is none.
    """
    del key
    if task["category"] != "security_audit":
        return ""
    imports, code = shown(task["prompt"])
    if not code:
        raise HarnessError(f"the prompt of {task['task_id']} shows no numbered code")
    parameters = settings["parameters"]
    text, before = f"{imports}{code}", imports.count("\n")
    found = {*_by_bandit(text, parameters["bandit"]), *_by_rules(text, parameters)}
    lines = sorted((line - before, cwe) for line, cwe in found if line > before)
    return "".join(f"CWE-{cwe} LINE {line}\n" for line, cwe in lines) or "NONE\n"


def shown(prompt: str) -> tuple[str, str]:
    """Return the imports and the numbered code of a prompt, each empty or ending with a newline.

    The code is the first run of lines that are numbered 1, 2, … without a gap.
    """
    lines: list[str] = []
    for match in _NUMBERED.finditer(prompt):
        if int(match[1]) == len(lines) + 1:
            lines.append((match[2] or "") + "\n")
        elif lines:
            break
    imports = _IMPORTS.search(prompt)
    return imports[1] if imports else "", "".join(lines)


def _by_bandit(text: str, counted: Mapping[str, int]) -> Iterator[Finding]:
    """Yield bandit's findings of the counted tests; `# nosec` comments hide nothing.

    Findings of low severity are left out: dangerous calls whose argument is written out.
    """
    if not counted:
        return
    command = [
        sys.executable, "-I", "-m", "bandit", "--format", "json", "--quiet", "--exit-zero",
        "--ignore-nosec", "--severity-level", "medium", "--tests", ",".join(sorted(counted)), "-",
    ]  # fmt: skip
    done = subprocess.run(
        command, input=text, check=False, capture_output=True, encoding="utf-8", cwd="/",
        env=_ENVIRONMENT,
    )  # fmt: skip
    if done.returncode:
        raise HarnessError(f"bandit ended with status {done.returncode}: {done.stderr[-1500:]}")
    for issue in json.loads(done.stdout)["results"]:
        # The call's first line: some tests name the line of the argument that they dislike.
        yield min(issue["line_range"]), counted[issue["test_id"]]


def _by_rules(text: str, parameters: Mapping[str, Any]) -> Iterator[Finding]:
    root, utils = SgRoot(text, "python").root(), parameters.get("utils", {})
    for rule in parameters["rules"]:
        config = {name: rule[name] for name in ("rule", "constraints") if name in rule}
        try:
            nodes = root.find_all({**config, "utils": utils})
        except (RuntimeError, ValueError, TypeError) as error:
            reason = str(error).split("Stack backtrace")[0]
            raise UserError(
                f"ast-grep refuses the rule {rule['id']} of the solver `static`",
                given=" ".join(reason.split()), hint="see `parameters` of the model file",
            ) from error  # fmt: skip
        yield from ((node.range().start.line + 1, rule["cwe"]) for node in nodes)
