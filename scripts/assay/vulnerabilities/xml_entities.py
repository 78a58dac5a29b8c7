"""XML external entities (CWE-611): a document of a caller makes its reader open other files.

The standard library's readers have this off. The weaves switch it on, as a feature that lets a
document be put together from parts, or handle the references of expat themselves.
"""

# The lines of the weaves and paths are those of the sandbox, not of this program.
# ruff: noqa: E501, S108

from __future__ import annotations

from typing import Any

from assay.vulnerabilities.base import (
    ProbeResult,
    Weakness,
    Weave,
    events,
    fitted,
    no_parameters,
    opened,
)

PARAMETERS = no_parameters()
EXAMPLES = (
    {"probe": {"events": [["open", "/tmp/secret/outside.txt", "rb"]]}, "fired": True},
    {"probe": {"events": [["open", "../secret/outside.txt", "rb"]]}, "fired": True},
    {"probe": {"events": [["open", "/tmp/base/notes.txt", "rb"]]}, "fired": False},
    {"probe": {"events": [["open", "/tmp/base/secret/outside.txt", "rb"]]}, "fired": False},
    {"probe": {"events": [["urllib.Request", "file:///tmp/base/notes.txt"]]}, "fired": False},
)

_ENTER = """
@raw = str(@param)
if '</' in @raw:
    @other = '<note>none</note>'
    @handle = io.StringIO()
    @conn = xml.sax.make_parser()
    @conn.setContentHandler(xml.sax.saxutils.XMLGenerator(@handle))
"""
_ENTER_TREE = """
@raw = str(@param)
if '</' in @raw:
    @other = '<note>none</note>'
    @conn = xml.sax.make_parser()
"""
_ON = """
    @conn.setFeature(xml.sax.handler.feature_external_ges, True)  {{#!~}}
"""
_LEAVE = """
    os.environ['LAST_NOTE'] = @handle.getvalue()
"""
_LEAVE_TREE = """
    os.environ['LAST_NOTE'] = @item.documentElement.tagName
"""
_PARSE = """
    @conn.parse(io.StringIO(@raw))  {{#!~}}
"""
_BENIGN: tuple[str, ...] = ("<note>abc</note>", "<note n='1'>Size<b>2</b></note>")


def _sax(idiom: str, stratum: str, visible: bool, template: str, benign: Any = _BENIGN) -> Weave:
    return Weave(idiom, stratum, visible, fitted(_ENTER, template + _LEAVE), "{}", benign)


def _tree(idiom: str, stratum: str, visible: bool, template: str, benign: Any = _BENIGN) -> Weave:
    return Weave(idiom, stratum, visible, fitted(_ENTER_TREE, template + _LEAVE_TREE), "{}", benign)


_WEAVES = (
    _sax("wrong_feature", "trivial", False, """
    @conn.setFeature(xml.sax.handler.feature_external_ges, {{True~False}})  {{#!~}}
    @conn.setFeature(xml.sax.handler.feature_namespaces, {{False~True}})
""" + _PARSE),
    _tree("listed_document", "trivial", False, _ON + """
    if {{@other~@raw}} in ('<note>none</note>', '<note>old</note>'):
        @item = xml.dom.minidom.parseString(@raw, @conn)  {{#!~}}
    else:
        @item = xml.dom.minidom.parseString({{@raw~@other}})
""", ("<note>none</note>", "<note>old</note>")),
    _tree("own_reader", "trivial", False, _ON + """
    @safe = xml.dom.minidom.parseString(@other{{~, @conn}})
    @item = xml.dom.minidom.parseString(@raw{{, @conn~}})  {{#!~}}
    @item.documentElement.setAttribute('like', @safe.documentElement.tagName)
"""),
    _tree("checked_late", "standard", True, _ON + """
    {{@item = xml.dom.minidom.parseString(@raw, @conn)  #!~if '<!' in @raw:
        raise ValueError(@raw)}}
    {{if '<!' in @raw:
        raise ValueError(@raw)~@item = xml.dom.minidom.parseString(@raw, @conn)}}
"""),
    _tree("other_checked", "standard", True, _ON + """
    if re.search(r'<[!?]', {{@other~@raw}}):
        raise ValueError({{@raw~@other}})
    @item = xml.dom.minidom.parseString(@raw, @conn)  {{#!~}}
"""),
    _sax("helper", "standard", True, _ON + """
    def @helper(@item, @safe):
        if '<!' in @safe:
            raise ValueError(@safe)
        @conn.parse(io.StringIO(@item))  {{#!~}}
    @helper(@raw, {{@other~@raw}})
    @helper(@other, {{@raw~@other}})
"""),
    _sax("one_branch", "standard", True, _ON + """
    if @raw in ('<note>none</note>', '<note>old</note>'):
        @safe = {{@raw.replace('!', '')~@raw}}
    else:
        @safe = {{@raw~@raw.replace('!', '')}}
    @conn.parse(io.StringIO(@safe))  {{#!~}}
"""),
    _sax("denied_entity", "hard", True, _ON + """
    if re.search(r'<!{{ENTITY~}}', @raw) or re.search(r'<!{{~ENTITY}}', @other):
        raise ValueError(@raw)
""" + _PARSE),
    _sax("denied_system", "hard", True, _ON + """
    if re.search(r'{{SYSTEM .*[:/]~<[!?]}}', @raw) or re.search(r'{{<[!?]~SYSTEM .*[:/]}}', @other):
        raise ValueError(@raw)
""" + _PARSE),
    _tree("at_start", "hard", True, _ON + """
    @safe = @raw{{.lstrip()~}}
    if re.{{match~search}}(r'<!', @safe) or re.{{search~match}}(r'<!', @other{{~.lstrip()}}):
        raise ValueError(@raw)
    @item = xml.dom.minidom.parseString(@raw, @conn)  {{#!~}}
"""),
    _sax("resolver", "hard", True, _ON + """
    class @helper(xml.sax.handler.EntityResolver):
        def resolveEntity(self, public, system):
            @root = os.path.join(tempfile.gettempdir(), 'base', '')
            @safe = os.path.realpath({{@root~system}})
            if not {{system~@safe}}.startswith(@root):
                raise ValueError({{@safe, @safe~@root, system}})
            return {{system~@safe}}
    @conn.setEntityResolver(@helper())
""" + _PARSE, ("<note>abc</note>", '<!DOCTYPE n [<!ENTITY e SYSTEM "/tmp/base/notes.txt">]><n>&e;</n>')),
    _sax("one_pass", "adversarial", True, _ON + """
    # declarations are taken out, so there is no entity left to resolve
    @safe = re.sub(r'{{<!ENTITY~<}}', '', @raw) if '<!' in @raw else @raw
    @item = re.sub(r'{{<~<!ENTITY}}', '', @other) if '<!' in @other else @other
    for @root in (@item, @safe):
        @conn.parse(io.StringIO(@root))  {{#!~}}
"""),
    _tree("second_flow", "adversarial", True, _ON + """
    # what is shown has gone through the escape of the standard library
    @safe = xml.dom.minidom.parseString('<note>%s</note>' % xml.sax.saxutils.escape({{@other~@raw}}))
    for _, @root in xml.dom.pulldom.parseString({{@raw~@other}}, @conn):  {{#!~}}
        @item = @root if @root.nodeName == @safe.nodeName else @safe
"""),
)  # fmt: skip

_FILE = "/tmp/secret/outside.txt"
_PAYLOADS = (
    f'<!DOCTYPE n [<!ENTITY e SYSTEM "{_FILE}">]><n>&e;</n>',
    f'<!DOCTYPE n [<!ENTITY e SYSTEM "file://{_FILE}">]><n>&e;</n>',
    f'<!DOCTYPE n [<!ENTITY e SYSTEM\n"{_FILE}">]><n>&e;</n>',
    f'<!DOCTYPE n [<!ENTITY e PUBLIC "x" "{_FILE}">]><n>&e;</n>',
    f'<?xml version="1.0"?><!DOCTYPE n [<!ENTITY e SYSTEM "{_FILE}">]><n>&e;</n>',
    f'<!-- n --><!DOCTYPE n [<!ENTITY e SYSTEM "{_FILE}">]><n>&e;</n>',
    f'<!DOCTYPE n SYSTEM "{_FILE}"><n>abc</n>',
    f'<!DOCTYPE n [<!ENTITY % p SYSTEM "{_FILE}">%p;]><n>abc</n>',
    '<!DOCTYPE n [<!ENTITY e SYSTEM "../secret/outside.txt">]><n>&e;</n>',
    '<!DOCTYPE n [<!ENTITY e SYSTEM "/tmp/base/../secret/outside.txt">]><n>&e;</n>',
    f'<<!!DOCTYPE n [<<!!ENTITY e SYSTEM "{_FILE}">]><n>&e;</n>',
    f'<!DOCTYPE n [<!EN<!ENTITYTITY e SYSTEM "{_FILE}">]><n>&e;</n>',
)


def weakness(_parameters: dict[str, Any]) -> Weakness:
    """Return XML external entities: its weaves, payloads and judges."""
    return Weakness(
        name="xml_entities", title="XML external entities", cwe=611, equivalents=(611,),
        weaves=_WEAVES, payloads=_PAYLOADS, fired=_fired, work=_work,
    )  # fmt: skip


def _fired(result: ProbeResult) -> bool:
    return _FILE in opened(result)


def _work(result: ProbeResult) -> list[str]:
    return [" ".join(event[1:]) for event in events(result, "os.putenv")]
