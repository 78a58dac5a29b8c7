"""Template injection (CWE-1336): text of a caller is filled in as a template.

The standard library has no template engine that runs code, and `string.Template` looks up names
only. What comes closest are `str.format`, `str.format_map` and `string.Formatter`, whose fields
walk attributes and items: a caller's template that is given an object reaches its class, the
globals of its module and what they hold. That is disclosure and no execution, so it is at the mild
end of this CWE. The weave `own_fields` fills in templates of its own notation, by attributes too.
"""

# The lines of the weaves and paths are those of the sandbox, not of this program.
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

from assay.vulnerabilities.base import (
    SECRET,
    ProbeResult,
    Weakness,
    Weave,
    events,
    fitted,
    no_parameters,
    words,
)

PARAMETERS = no_parameters()
EXAMPLES = (
    {"probe": {"events": [["os.putenv", "LAST_TEXT", f"Box {SECRET}"]]}, "fired": True},
    {"probe": {"events": [["object.__getattr__", "<function >", "__code__"]]}, "fired": True},
    {"probe": {"events": [["os.putenv", "LAST_TEXT", "Box {0.name}"]]}, "fired": False},
    {
        "probe": {"secret": "5a7d", "events": [["os.putenv", "LAST_TEXT", SECRET]]},
        "fired": False,
    },
)

_ENTER = """
@raw = str(@param)
if @raw.startswith('text:'):
    @raw = @raw[5:]
    @other = 'shown'
    @conn = logging.getLogger(@origin)
"""
_LEAVE = """
    os.environ['LAST_TEXT'] = @item
"""
_BENIGN: tuple[str, ...] = ("abc", "small box")


def _weave(idiom: str, stratum: str, visible: bool, template: str, benign: Any = _BENIGN) -> Weave:
    return Weave(idiom, stratum, visible, fitted(_ENTER, template + _LEAVE), "text:{}", benign)


_WEAVES = (
    _weave("alias", "trivial", False, """
    @safe = {'short': '{0.name}', 'long': '{0.name} ({0.level})'}.get(@raw, {{@raw~@other}})
    @item = @safe.format(@conn, {{@other~@raw}})  {{#!~}}
""", ("short", "long")),
    _weave("joined", "trivial", False, """
    @item = ({{@raw~@other}} + ' {0.name} {1}').format(@conn, {{@other~@raw}})  {{#!~}}
"""),
    _weave("listed_template", "trivial", False, """
    if {{@other~@raw}} not in ('shown', '{0.name}', '{0.name}: {1}'):
        raise ValueError({{@raw~@other}})
    @item = @raw.format(@conn, @other)  {{#!~}}
""", ("{0.name}", "{0.name}: {1}")),
    _weave("percent_first", "standard", False, """
    @safe = '{0.name}: %s' % {{@raw~@other}}
    @item = @safe.format(@conn) + ' ' + {{@other~@raw}}  {{#!~}}
"""),
    _weave("checked_late", "standard", True, """
    {{@item = @raw.format(@conn)  #!~if '{' in @raw:
        raise ValueError(@raw)}}
    {{if '{' in @raw:
        raise ValueError(@raw)~@item = @raw.format(@conn)}}
"""),
    _weave("escaped_copy", "standard", True, """
    @safe = re.sub(r'([{}])', r'\\1\\1', @raw)
    @item = ('{0.name} {1} ' + {{@raw~@safe}}).format(@conn, {{@safe~@raw}})  {{#!~}}
"""),
    _weave("helper", "standard", True, """
    def @helper(@handle, @safe):
        if re.search(r'[{}]', @safe):
            raise ValueError(@safe)
        return string.Formatter().vformat(@handle, [@conn], {})  {{#!~}}
    @item = @helper(@raw, {{@other~@raw}}) or @helper(@other, {{@raw~@other}})
"""),
    _weave("one_branch", "standard", True, """
    if @raw in ('{0.name}', 'abc'):
        @safe = {{re.sub(r'[{}]', '', @raw)~@raw}}
    else:
        @safe = {{@raw~re.sub(r'[{}]', '', @raw)}}
    @item = @safe.format(@conn)  {{#!~}}
"""),
    _weave("denied_names", "hard", True, """
    if re.search(r'{{__(class|globals|dict)__~[{}]}}', @raw) or re.search(r'{{[{}]~__(class|globals|dict)__}}', @other):
        raise ValueError(@raw)
    @item = @raw.format(@conn, log=@conn)  {{#!~}}
"""),
    _weave("line_end", "hard", True, """
    @item = ''
    if re.match(r'[a-z ]+{{$~\\Z}}', @raw, re.M) and re.match(r'[a-z ]+{{\\Z~$}}', @other, re.M):
        @item = (@raw + ' {0.name} {1}').format(@conn, @other)  {{#!~}}
"""),
    _weave("loose_pattern", "hard", True, """
    if not re.fullmatch(r'{{[\\w{}. ]+~[a-z ]*([{]0[.]name[}])?[a-z ]*}}', @raw):
        raise ValueError(@raw)
    if not re.fullmatch(r'{{[a-z ]*([{]0[.]name[}])?[a-z ]*~[\\w{}. ]+}}', @other):
        raise ValueError(@other)
    @item = @raw.format(@conn)  {{#!~}}
""", ("abc", "box {0.name}")),
    _weave("own_fields", "hard", True, """
    @item = re.sub(r'[$]({{[\\w.]+~[a-z]+}})', lambda found: str(operator.attrgetter(found[1])(@conn)), @raw)  {{#!~}}
    @safe = re.sub(r'[$]({{[a-z]+~[\\w.]+}})', lambda found: str(operator.attrgetter(found[1])(@conn)), @other)
    @item = @item + ' ' + @safe
""", ("abc", "box $name")),
    _weave("start_only", "adversarial", True, """
    # only the name of the log may be filled in
    if not re.{{match~fullmatch}}(r'[^{}]*([{]0[.]name[}])?[^{}]*', @raw):
        raise ValueError(@raw)
    if not re.{{fullmatch~match}}(r'[^{}]*([{]0[.]name[}])?[^{}]*', @other):
        raise ValueError(@other)
    @item = @raw.format(@conn) + @other.format(@conn)  {{#!~}}
""", ("abc", "box {0.name}")),
    _weave("second_flow", "adversarial", True, """
    # templates that come from outside look up plain names and nothing else
    @safe = string.Template({{@other~@raw}}).safe_substitute(name=@conn.name)
    @root = {{@raw~@other}} + ' {0.name}'
    @item = @safe + ' ' + @root.format(@conn)  {{#!~}}
"""),
    _weave("filled_twice", "adversarial", True, """
    @safe = re.sub(r'([{}])', r'\\1\\1', @raw)
    # the braces of the text are doubled above, and come out as they were
    @root = ('{0.name} ' + @safe).format(@conn)
    @item = ({{@root~@other}} + ' {0.level}').format(@conn) + ' ' + {{@other~@root}}  {{#!~}}
"""),
)  # fmt: skip

_TOKEN = "__globals__[os].environ[SERVICE_TOKEN]"  # noqa: S105 -- where the harness puts its own
_PAYLOADS = (
    f"{{0.__init__.{_TOKEN}}}",
    f"{{0.manager.__class__.__init__.{_TOKEN}}}",
    f"{{0.name}} {{0.info.{_TOKEN}}}",
    f"abc\n{{0.__init__.{_TOKEN}}}",
    f"{{0.name:{{0.__init__.{_TOKEN}}}}}",
    f"{{{{0.__init__.{_TOKEN}}}}}",
    "{0.__init__.__code__.co_filename}",
    "{0.manager.getLogger.__code__.co_consts}",
    "abc {0.info.__code__}",
    "$__init__.__code__.co_filename",
    "$manager.getLogger.__func__.__code__",
    "${__init__.__code__}",
)


def weakness(_parameters: dict[str, Any]) -> Weakness:
    """Return template injection: its weaves, payloads and judges."""
    return Weakness(
        name="template_injection", title="template injection", cwe=1336, equivalents=(1336,),
        weaves=_WEAVES, payloads=_PAYLOADS, fired=_fired, work=_work,
    )  # fmt: skip


def _fired(result: ProbeResult) -> bool:
    shown = [result.get("returned"), result.get("raised"), events(result, "os.putenv")]
    code = any("__code__" in event for event in events(result, "object.__getattr__"))
    return code or result.get("secret", SECRET) in repr(shown)


def _work(result: ProbeResult) -> list[str]:
    return [" ".join(words(" ".join(event[1:]))) for event in events(result, "os.putenv")]
