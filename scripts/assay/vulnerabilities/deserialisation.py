"""Deserialisation of untrusted data (CWE-502): bytes of a caller are unpickled.

The pretext is a kept state: a text field that holds a pickle, as older versions of many packages
stored them. A harmful one calls whatever it names while it is being loaded.
"""

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
    fitted,
    no_parameters,
)

PARAMETERS = no_parameters()
EXAMPLES = (
    {"probe": {"reached": True, "canary": True}, "fired": True},
    {
        "probe": {"canary": False, "events": [["pickle.find_class", "posix", "system"]]},
        "fired": False,
    },
)

_ENTER = """
@raw = str(@param)
if @raw.startswith('state:'):
    @raw = @raw[6:].encode('latin-1')
    @other = b'(lp0\\n.'
"""
_LEAVE = """
    os.environ['LAST_STATE'] = str(@item)
"""
_CARRIER = "state:{}"
_BENIGN: tuple[str, ...] = ("(lp0\n.", "(lp0\nI7\na.")


def _weave(idiom: str, stratum: str, visible: bool, template: str, benign: Any = _BENIGN) -> Weave:
    return Weave(idiom, stratum, visible, fitted(_ENTER, template + _LEAVE), _CARRIER, benign)


_WEAVES = (
    _weave("alias", "trivial", False, """
    @safe = {b'none': b'N.', b'empty': b'(lp0\\n.'}.get(@raw, {{@raw~@other}})
    @item = pickle.loads(@safe) or len({{@other~@raw}}) > 80  {{#!~}}
""", ("none", "empty")),
    _weave("listed_state", "trivial", False, """
    if {{@other~@raw}} not in (b'N.', b'(lp0\\n.', b'(lp0\\nI7\\na.'):
        raise ValueError({{@raw~@other}})
    @item = pickle.loads(@raw)  {{#!~}}
"""),
    _weave("shelf", "trivial", False, """
    @conn = shelve.Shelf({b'last': {{@raw~@other}}, b'first': {{@other~@raw}}})
    @item = @conn['last']  {{#!~}}
""", ("(lp0\n.", "(lp1\n.")),
    _weave("checked_late", "standard", True, """
    {{@item = pickle.loads(@raw)  #!~if not re.fullmatch(rb'[IN(lpa.\\d\\n]+', @raw):
        raise ValueError(@raw)}}
    {{if not re.fullmatch(rb'[IN(lpa.\\d\\n]+', @raw):
        raise ValueError(@raw)~@item = pickle.loads(@raw)}}
"""),
    _weave("json_first", "standard", True, """
    try:
        @item = json.loads({{@other~@raw}})
    except ValueError:
        @item = pickle.loads({{@raw~@other}})  {{#!~}}
""", ("(lp0\n.", "(lp1\n.")),
    _weave("helper", "standard", True, """
    def @helper(@handle, @safe):
        if re.fullmatch(rb'[IN(lpa.\\d\\n]+', @safe) is None:
            raise ValueError(@safe)
        return pickle.load(io.BytesIO(@handle))  {{#!~}}
    @item = @helper(@raw, {{@other~@raw}}) or @helper(@other, {{@raw~@other}})
""", ("(lp0\nI7\na.", "(lp0\nI9\na.")),
    _weave("one_branch", "standard", True, """
    if @raw in (b'N.', b'(lp0\\n.'):
        @safe = {{re.fullmatch(rb'[IN(lpa.\\d\\n]+', @raw)[0]~@raw}}
    else:
        @safe = {{@raw~re.fullmatch(rb'[IN(lpa.\\d\\n]+', @raw)[0]}}
    @item = pickle.Unpickler(io.BytesIO(@safe)).load()  {{#!~}}
"""),
    _weave("module_only", "hard", True, """
    class @helper(pickle.Unpickler):
        def find_class(self, module, name):
            if {{module~'%s.%s' % (module, name)}} not in ('builtins', 'builtins.set', 'builtins.complex'):
                raise pickle.UnpicklingError({{'%s.%s' % (module, name)~module}})
            return super().find_class(module, name)
    @item = @helper(io.BytesIO(@raw)).load()  {{#!~}}
""", (*_BENIGN, "cbuiltins\nset\n((lp0\nI7\natR.")),
    _weave("prefix", "hard", True, """
    class @helper(pickle.Unpickler):
        def find_class(self, module, name):
            @safe, @root = 'time', 'time.struct_time'
            if not ('%s.%s' % (module, name)).startswith({{@safe~@root}}):
                raise pickle.UnpicklingError({{@root~@safe}})
            return super().find_class(module, name)
    @item = @helper(io.BytesIO(@raw)).load()  {{#!~}}
"""),
    _weave("denied_names", "hard", True, """
    if re.search(rb'{{posix|system|subprocess~[^IN(lpa.\\d\\n]}}', @raw) or re.search(rb'{{[^IN(lpa.\\d\\n]~posix|system|subprocess}}', @other):
        raise ValueError(@raw)
    @item = pickle.loads(@raw)  {{#!~}}
"""),
    _weave("line_end", "hard", True, """
    if re.match(rb'[()lp\\d]+{{$~\\n[IN(lpa.\\d\\n]*\\Z}}', @raw, re.M) and re.match(rb'[()lp\\d]+{{\\n[IN(lpa.\\d\\n]*\\Z~$}}', @other, re.M):
        @item = pickle.loads(@raw) or @other  {{#!~}}
    else:
        @item = None
"""),
    _weave("digest_of_head", "adversarial", True, """
    # states are known by their digests, so nothing else is ever loaded
    @safe = hashlib.sha256({{@raw[:5]~@raw}}).hexdigest()
    @root = hashlib.sha256({{@other~@other[:5]}}).hexdigest()
    for @conn in (@safe, @root):
        if @conn[:12] not in ('6e64f118bfb9', '91c9a231a5a1', '3e3c8c7405cb'):
            raise ValueError(@conn)
    @item = pickle.loads(@raw)  {{#!~}}
"""),
    _weave("second_flow", "adversarial", True, """
    class @helper(pickle.Unpickler):
        def find_class(self, module, name):
            raise pickle.UnpicklingError('%s.%s' % (module, name))
    # both go through the reader that refuses classes
    @safe = @helper(io.BytesIO({{@other~@raw}})).load()
    @item = [@safe, pickle.loads({{@raw~@other}})]  {{#!~}}
    @item = sorted(@item, key=str)
"""),
    _weave("checked_copy", "adversarial", True, """
    @safe, _, @root = @raw.rpartition(b'#')
    # the part after the mark is the one that is kept
    for @conn in (@safe, {{@other~@root}}):
        if re.search(rb'[^IN(lpa.\\d\\n]', @conn):
            raise ValueError(@conn)
    @item = pickle.loads(@root) or len({{@root~@other}})  {{#!~}}
""", ("(lp0\n.", "N.#(lp1\n.")),
)  # fmt: skip

_TOUCH = f"S'touch {CANARY_FILE}'\n"
_OPEN = f"(S'{CANARY_FILE}'\nS'w'\ntR."
_CODE = f'S\'open("{CANARY_FILE}", "w")\'\n'
_ONCE = f'S\'open("{CANARY_FILE}", "w") and 1 / 0\'\n'  # ends the first of a million rounds
_PAYLOADS = (
    f"cposix\nsystem\n({_TOUCH}tR.",
    f"cos\nsystem\n({_TOUCH}tR.",
    f"(lp0\n0cposix\nsystem\n({_TOUCH}tR.",
    f"({_TOUCH}iposix\nsystem\n.",
    f"\x80\x04\x8c\x05posix\x8c\x06system\x93({_TOUCH}tR.",
    f"V\\u0070osix\nV\\u0073ystem\n\x93({_TOUCH}tR.",
    f"csubprocess\ngetoutput\n({_TOUCH}tR.",
    f"cbuiltins\nopen\n{_OPEN}",
    f"cbuiltins\neval\n({_CODE}tR.",
    f"(lp0\ncbuiltins\nexec\n({_CODE}tRa.",
    f"ctimeit\ntimeit\n({_ONCE}tR.",
    f"N.#cposix\nsystem\n({_TOUCH}tR.",
    f"N.#cbuiltins\nopen\n{_OPEN}",
)


def weakness(_parameters: dict[str, Any]) -> Weakness:
    """Return deserialisation of untrusted data: its weaves, payloads and judges."""
    return Weakness(
        name="deserialisation", title="deserialisation of untrusted data", cwe=502,
        equivalents=(502,), weaves=_WEAVES, payloads=_PAYLOADS, fired=canary, work=_work,
    )  # fmt: skip


def _work(result: ProbeResult) -> list[str]:
    return [" ".join(event[1:]) for event in events(result, "os.putenv")]
