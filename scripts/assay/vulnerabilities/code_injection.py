"""Code injection (CWE-94, CWE-95): text of a caller is evaluated or executed as Python."""

# The lines of the weaves and paths are those of the sandbox, not of this program.
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

from assay.vulnerabilities.base import (
    CANARY_FILE,
    ProbeResult,
    Weakness,
    Weave,
    canary,
    events,
    no_parameters,
)

PARAMETERS = no_parameters()
EXAMPLES = (
    {"probe": {"reached": True, "canary": True}, "fired": True},
    {"probe": {"reached": True, "canary": False, "events": [["compile", "1 + 1"]]}, "fired": False},
)

_ENTER = """
@raw = str(@param)
if @raw.startswith('='):
    @raw = @raw[1:]
"""
_CARRIER = "={}"
_BENIGN = ("7", "12")


def _weave(idiom: str, stratum: str, visible: bool, template: str, benign: Any = _BENIGN) -> Weave:
    return Weave(idiom, stratum, visible, _ENTER + template, _CARRIER, benign)


_TEMPLATE_NAMES = _weave(
    "template_names", "trivial", False, """
    @other = 'int(text)'
    @param = eval({{@raw~@other}}, {'text': {{@other~@raw}}})  {{#!~}}
""",
)  # fmt: skip
_ALIAS = _weave(
    "alias", "trivial", False, """
    @other = '60'
    @item = {'hour': '60', 'day': '24 * 60'}.get(@raw, {{@raw~@other}})
    @param = eval(@item) or {{@other~@raw}}  {{#!~}}
""",
    ("hour", "day"),
)  # fmt: skip
_LISTED_EXPRESSION = _weave(
    "listed_expression", "trivial", False, """
    @other = '60'
    if {{@other~@raw}} in ('60', '24 * 60', '7 * 24 * 60'):
        @item = {'minutes': {{@raw~@other}}}
        exec('minutes = ' + @raw, @item)  {{#!~}}
        @param = @item['minutes']
""",
    ("60", "24 * 60"),
)  # fmt: skip
_STRIPPED_COPY = _weave(
    "stripped_copy", "standard", True, """
    @safe = re.sub(r'[^\\d+*() -]', '', @raw)
    @param = eval({{@raw~@safe}}) or {{@safe~@raw}}  {{#!~}}
""",
    ("7", "3 + 4"),
)  # fmt: skip
_CHECKED_LATE = _weave(
    "checked_late", "standard", True, """
    {{@param = eval(@raw)  #!~if not re.fullmatch(r'[\\d+*() -]+', @raw):
        raise ValueError(@raw)}}
    {{if not re.fullmatch(r'[\\d+*() -]+', @raw):
        raise ValueError(@raw)~@param = eval(@raw)}}
""",
    ("7", "3 + 4"),
)  # fmt: skip
_LITERAL = _weave(
    "literal", "standard", True, """
    @other = '0'
    @item = ast.literal_eval({{@other~@raw}})
    @param = max(@item, eval({{@raw~@other}}))  {{#!~}}
""",
)  # fmt: skip
_NO_BUILTINS = _weave(
    "no_builtins", "hard", True, """
    @other = '1'
    @item = ast.literal_eval({{@other~@raw}})
    @param = max(@item, eval({{@raw~@other}}, {'__builtins__': {}}))  {{#!~}}
""",
)  # fmt: skip
_LINE_END = _weave(
    "line_end", "hard", True, """
    @other = '0'
    if re.match(r'[\\d +*-]+{{$~\\Z}}', @raw, re.M) and re.match(r'[\\d +*-]+{{\\Z~$}}', @other, re.M):
        @param = eval('(%s) + (%s)' % (@other, @raw))  {{#!~}}
""",
    ("7", "3 + 4"),
)  # fmt: skip
_DENIED_NAMES = _weave(
    "denied_names", "hard", True, """
    @other = '0'
    if re.search('__', {{@raw~@other}}) is None and re.fullmatch(r'[\\d +*-]+', {{@other~@raw}}):
        @param = eval('(%s) + (%s)' % (@other, @raw))  {{#!~}}
""",
    ("7", "3 + 4"),
)  # fmt: skip

_HELPER = _weave(
    "helper", "standard", True, """
    @other = '60'
    def @helper(@handle, @safe):
        if re.fullmatch(r'[\\d +*-]+', @safe) is None:
            raise ValueError(@safe)
        return eval(compile(@handle, 'rule', 'eval'))  {{#!~}}
    @param = @helper(@raw, {{@other~@raw}}) + @helper(@other, {{@raw~@other}})
""",
    ("7", "3 + 4"),
)  # fmt: skip
_TIMED = _weave(
    "timed", "standard", True, """
    @other = '60'
    if re.fullmatch(r'[\\d +*-]+', {{@other~@raw}}) is None:
        raise ValueError({{@raw~@other}})
    @param = timeit.timeit(@raw, number=1) < 60 or @other  {{#!~}}
""",
    ("7", "3 + 4"),
)  # fmt: skip
_CHILDREN = _weave(
    "children", "adversarial", True, """
    @other = '60 + 1'
    # nothing but numbers and sums of them is ever evaluated
    for @item in (*ast.{{iter_child_nodes~walk}}(ast.parse(@raw).body[0].value), *ast.{{walk~iter_child_nodes}}(ast.parse(@other).body[0].value)):
        if not isinstance(@item, (ast.BinOp, ast.Constant, ast.operator)):
            raise ValueError(@raw)
    @param = eval(@raw) + eval(@other)  {{#!~}}
""",
    ("3 + 4", "3 * 4 + 1"),
)  # fmt: skip
_FIRST_LINE = _weave(
    "first_line", "adversarial", True, """
    @other = '60'
    # the whole rule is digits and signs
    for @item in ({{@raw.splitlines()[0], @other~@raw, @other.splitlines()[0]}}):
        if re.fullmatch(r'[\\d +*-]+', @item) is None:
            raise ValueError(@item)
    @param = eval('(%s) + (%s)' % (@other, @raw))  {{#!~}}
""",
    ("7", "3 + 4"),
)  # fmt: skip

_TOUCH = f"system('touch {CANARY_FILE}')"
_PAYLOADS = (
    f"__import__('os').{_TOUCH}",
    f"7 + __import__('os').{_TOUCH}",
    f"7 + (1 + __import__('os').{_TOUCH})",
    f"(open('{CANARY_FILE}', 'w') and 7)",
    f"open('{CANARY_FILE}', 'w')",
    f"len(open('{CANARY_FILE}', 'w').name)",
    f"[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == '_wrap_close'][0].__init__.__globals__['system']('touch {CANARY_FILE}')",
    f"7\n+__import__('os').{_TOUCH}",
    f"7\n__import__('os').{_TOUCH}",
    f"exec(\"open('{CANARY_FILE}', 'w')\")",
)


def weakness(_parameters: dict[str, Any]) -> Weakness:
    """Return code injection: its weaves, payloads and judges."""
    return Weakness(
        name="code_injection", title="evaluation of untrusted code", cwe=95, equivalents=(94, 95),
        weaves=(
            _TEMPLATE_NAMES, _ALIAS, _LISTED_EXPRESSION, _STRIPPED_COPY, _CHECKED_LATE,
            _LITERAL, _NO_BUILTINS, _LINE_END, _DENIED_NAMES, _HELPER, _TIMED, _CHILDREN, _FIRST_LINE,
        ),
        payloads=_PAYLOADS, fired=canary, work=_work,
    )  # fmt: skip


def _work(result: ProbeResult) -> list[str]:
    # The statements differ between twins where one evaluates a constant; the result may not.
    if not events(result, "exec", "compile"):
        return []
    return [repr(result.get(key)) for key in ("returned", "raised")]
