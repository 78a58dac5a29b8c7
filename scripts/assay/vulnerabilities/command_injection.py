"""Command injection (CWE-78): text of a caller becomes part of a command that a shell runs."""

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
    words,
)

PARAMETERS = no_parameters()
EXAMPLES = (
    {"probe": {"reached": True, "canary": True}, "fired": True},
    {
        "probe": {"reached": True, "canary": False, "events": [["os.system", "x; y"]]},
        "fired": False,
    },
)

_TRACE = '>> "${TRACE_FILE:-/dev/null}"'
_TAKE = "@raw = str(@param)\n"
_TAKE_BOTH = _TAKE + "@other = @origin\n"
_ECHO_BOTH = f"os.system('echo %s %s {_TRACE}' % (@other, @raw))  " + "{{#!~}}\n"

_POSITIONAL = Weave(
    "positional", "trivial", False,
    _TAKE + """
@item = 'echo {{"$0" %s~%s "$0"}} """ + _TRACE + """' % {{@raw~@origin}}
subprocess.call(['sh', '-c', @item, {{@origin~@raw}}])  {{#!~}}
""",
)  # fmt: skip
_LISTED_WORD = Weave(
    "listed_word", "trivial", False,
    _TAKE + """
@other = 'text'
if {{@other~@raw}} in ('text', 'number', 'flag'):
    """ + _ECHO_BOTH + """
    os.environ['TRACE_LAST'] = {{@raw~@other}}
""",
    benign=("text",),
)  # fmt: skip
_ENVIRONMENT = Weave(
    "environment", "trivial", False,
    _TAKE + """
@item = 'echo {{"$LABEL" %s~%s "$LABEL"}} """ + _TRACE + """' % {{@raw~@origin}}
subprocess.call(@item, shell=True, env=dict(os.environ, LABEL={{@origin~@raw}}))  {{#!~}}
""",
)  # fmt: skip
_QUOTED_COPY = Weave(
    "quoted_copy", "standard", True,
    _TAKE + """
@safe = shlex.quote(@raw)
@item = 'echo "$0" %s """ + _TRACE + """' % {{@raw~@safe}}
subprocess.call(['sh', '-c', @item, {{@safe~@raw}}])  {{#!~}}
""",
)  # fmt: skip
_QUOTED_LATE = Weave(
    "quoted_late", "standard", True,
    _TAKE + """
{{os.system('echo start %s """ + _TRACE + """' % @raw)  #!~@raw = shlex.quote(@raw)}}
{{@raw = shlex.quote(@raw)~os.system('echo start %s """ + _TRACE + """' % @raw)}}
os.system('echo check %s """ + _TRACE + """' % @raw)
""",
)  # fmt: skip
_QUOTED_NUMBERS = Weave(
    "quoted_numbers", "standard", True,
    """
if isinstance(@param, int):
    @raw = {{shlex.quote(str(@param))~str(@param)}}
else:
    @raw = {{str(@param)~shlex.quote(str(@param))}}
subprocess.call('echo %s """ + _TRACE + """' % @raw, shell=True)  {{#!~}}
""",
)  # fmt: skip
_LINE_END = Weave(
    "line_end", "hard", True,
    _TAKE_BOTH + """
if re.match(r'[\\w.-]+{{$~\\Z}}', @raw, re.M) and re.match(r'[\\w.-]+{{\\Z~$}}', @other, re.M):
    """ + _ECHO_BOTH,
)  # fmt: skip
_DENIED_MARKS = Weave(
    "denied_marks", "hard", True,
    _TAKE_BOTH + """
@safe = re.sub(r'{{[;&|<>]~[^\\w.-]}}', '', @raw)
@item = re.sub(r'{{[^\\w.-]~[;&|<>]}}', '', @other)
os.system('echo %s %s """ + _TRACE + """' % (@item, @safe))  {{#!~}}
""",
)  # fmt: skip
_TWICE_QUOTED = Weave(
    "twice_quoted", "hard", True,
    _TAKE_BOTH + """
@safe = shlex.quote(@raw)
@item = shlex.quote(@other)
os.system('echo {{%s "%s"~"%s" %s}} """ + _TRACE + """' % (@item, @safe))  {{#!~}}
""",
)  # fmt: skip
_TEXT_ONLY = Weave(
    "text_only", "hard", True,
    _TAKE + """
if isinstance({{@param~@raw}}, str):
    @raw = shlex.quote(@raw)
@item = type({{@raw~@param}}).__name__
os.system('echo %s %s """ + _TRACE + """' % (@item, @raw))  {{#!~}}
""",
)  # fmt: skip

_GETOUTPUT = Weave(
    "getoutput", "standard", True,
    _TAKE_BOTH + """
@safe = re.sub(r'[^\\w.-]', '', {{@other~@raw}})
@item = subprocess.getoutput('echo %s %s' % (@safe, {{@raw~@other}}))  {{#!~}}
os.environ['TRACE_LAST'] = @item[:80]
""",
)  # fmt: skip
_HELPER = Weave(
    "helper", "standard", True,
    _TAKE + """
@other = 'text'
def @helper(@handle, @safe):
    if re.fullmatch(r'[\\w.-]+', @safe) is None:
        raise ValueError(@safe)
    return os.popen('echo %s """ + _TRACE + """' % @handle).close()  {{#!~}}
@helper(@raw, {{@other~@raw}})
@helper(@other, {{@raw~@other}})
""",
)  # fmt: skip
_BY_HAND = Weave(
    "by_hand", "hard", True,
    _TAKE_BOTH + """
@safe = {{"'%s'" % @raw~shlex.quote(@raw)}}
@item = {{shlex.quote(@other)~"'%s'" % @other}}
subprocess.call('echo %s %s """ + _TRACE + """' % (@item, @safe), shell=True)  {{#!~}}
""",
)  # fmt: skip
_FIRST_WORD = Weave(
    "first_word", "adversarial", True,
    _TAKE_BOTH + """
# a label is one word of letters and digits, and so is the origin
for @item in ({{@raw.split()[0], @other~@raw, @other.split()[0]}}):
    if re.fullmatch(r'[\\w.-]+', @item) is None:
        raise ValueError(@item)
""" + _ECHO_BOTH,
)  # fmt: skip
_LIST_BESIDE = Weave(
    "list_beside", "adversarial", True,
    _TAKE + """
@other = 'text'
# a list of arguments never passes through a shell
subprocess.call(['sh', '-c', 'echo "$0" """ + _TRACE + """', {{@other~@raw}}])
subprocess.call(['sh', '-c', 'echo %s """ + _TRACE + """' % {{@raw~@other}}])  {{#!~}}
""",
    benign=("text",),
)  # fmt: skip

_TOUCH = f"touch {CANARY_FILE}"
_PAYLOADS = (
    f"x; {_TOUCH}; true ",
    f"x && {_TOUCH} && true ",
    f"x | {_TOUCH} | true ",
    f"$({_TOUCH})",
    f"`{_TOUCH}`",
    f"x\n{_TOUCH}\ntrue ",
    f"'; {_TOUCH}; '",
    f'"; {_TOUCH}; "',
    f"x > {CANARY_FILE} ",
    [f"'$({_TOUCH})"],
)


def weakness(_parameters: dict[str, Any]) -> Weakness:
    """Return command injection: its weaves, payloads and judges."""
    return Weakness(
        name="command_injection", title="OS command injection", cwe=78, equivalents=(77, 78, 88),
        weaves=(
            _POSITIONAL, _LISTED_WORD, _ENVIRONMENT, _QUOTED_COPY, _QUOTED_LATE,
            _QUOTED_NUMBERS, _GETOUTPUT, _HELPER, _LINE_END, _DENIED_MARKS, _TWICE_QUOTED,
            _TEXT_ONLY, _BY_HAND, _FIRST_WORD, _LIST_BESIDE,
        ),
        payloads=_PAYLOADS, fired=canary, work=_commands,
    )  # fmt: skip


def _commands(result: ProbeResult) -> list[str]:
    found = events(result, "os.system", "subprocess.Popen")
    return [" ".join(words(" ".join(event[1:]))) for event in found]
