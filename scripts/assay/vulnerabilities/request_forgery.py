"""Server-side request forgery (CWE-918): text of a caller decides to which host a request goes.

There is no network in the sandbox. What counts is the attempt: the interpreter's own audit events
name the host that is looked up or connected to, before the connection fails.
"""

# The lines of the weaves and paths are those of the sandbox, not of this program.
# ruff: noqa: E501

from __future__ import annotations

import re
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
    {"probe": {"events": [["socket.getaddrinfo", "evil.test", "80"]]}, "fired": True},
    {"probe": {"events": [["http.client.connect", "<C >", "127.0.0.1", "80"]]}, "fired": True},
    {"probe": {"events": [["open", "/tmp/secret/outside.txt", "r"]]}, "fired": True},  # noqa: S108
    {"probe": {"events": [["socket.getaddrinfo", "files.example.org", "80"]]}, "fired": False},
    {"probe": {"events": [["socket.getaddrinfo", "Files.Example.org.", "80"]]}, "fired": False},
)

_ENTER_HOST = """
@raw = str(@param)
if @raw.startswith('host:'):
    @raw = @raw[5:]
    @other = 'files.example.org'
"""
_ENTER_URL = """
@raw = str(@param)
if '://' in @raw:
    @other = 'http://files.example.org/index'
"""
_ENTER_PAGE = """
@raw = str(@param)
if @raw.startswith('page:'):
    @raw = @raw[5:]
    @other = 'index'
    @root = 'http://files.example.org/'
"""
_FETCH = """
    try:
        with urllib.request.urlopen(@item, timeout=1) as @handle:  {{#!~}}
            @param = @handle.read().decode()
    except OSError:
        @item = None
"""
_ASK = """
    @conn = http.client.HTTPConnection(@item, timeout=1)
    try:
        @conn.request('HEAD', '/rules')  {{#!~}}
    except OSError:
        @conn.close()
"""
_HOSTS: tuple[str, ...] = ("files.example.org", "schemas.example.org")
_URLS: tuple[str, ...] = ("http://files.example.org/index", "http://files.example.org/a?b=1")


def _host(idiom: str, stratum: str, visible: bool, template: str, benign: Any = _HOSTS) -> Weave:
    return Weave(idiom, stratum, visible, fitted(_ENTER_HOST, template), "host:{}", benign)


def _url(idiom: str, stratum: str, visible: bool, template: str, benign: Any = _URLS) -> Weave:
    return Weave(idiom, stratum, visible, fitted(_ENTER_URL, template), "{}", benign)


_WEAVES = (
    _host("alias", "trivial", False, """
    @safe = {'main': 'files.example.org', 'spare': 'schemas.example.org'}.get(@raw, {{@raw~@other}})
    @item = 'http://%s/rules?%s' % (@safe, urllib.parse.quote({{@other~@raw}}))
""" + _FETCH, ("main", "spare")),
    _host("host_or_query", "trivial", False, """
    @item = 'http://%s/rules?%s' % ({{@raw~@other}}, urllib.parse.quote({{@other~@raw}}, ''))
""" + _FETCH, ("files.example.org",)),
    _host("listed_host", "trivial", False, """
    if {{@other~@raw}} not in ('files.example.org', 'schemas.example.org'):
        raise ValueError({{@raw~@other}})
    @item = @raw
""" + _ASK),
    _host("checked_late", "standard", True, """
    {{@conn = socket.create_connection((@raw, 80), 1)  #!~if not re.fullmatch(r'[a-z]+[.]example[.]org', @raw):
        raise ValueError(@raw)}}
    {{if not re.fullmatch(r'[a-z]+[.]example[.]org', @raw):
        raise ValueError(@raw)~@conn = socket.create_connection((@raw, 80), 1)}}
    @conn.close()
"""),
    _url("other_checked", "standard", True, """
    @safe = urllib.parse.urlsplit({{@other~@raw}}).hostname
    if @safe not in ('files.example.org', 'schemas.example.org'):
        raise ValueError({{@raw~@other}})
    @item = urllib.request.Request(@raw, headers={'Referer': @other})
""" + _FETCH),
    _host("helper", "standard", True, """
    def @helper(@handle, @safe):
        if re.fullmatch(r'[a-z]+[.]example[.]org', @safe) is None:
            raise ValueError(@safe)
        return socket.create_connection((@handle, 80), 1)  {{#!~}}
    @helper(@raw, {{@other~@raw}})
    @helper(@other, {{@raw~@other}})
"""),
    _url("one_branch", "standard", True, """
    if @raw in ('http://files.example.org/index', 'http://schemas.example.org/index'):
        @safe = {{urllib.parse.urlsplit(@raw)._replace(netloc='files.example.org').geturl()~@raw}}
    else:
        @safe = {{@raw~urllib.parse.urlsplit(@raw)._replace(netloc='files.example.org').geturl()}}
    @item = urllib.parse.urlsplit(@safe).hostname
""" + _ASK, ("http://files.example.org/index", "http://files.example.org/rules/1")),
    _url("prefix", "hard", True, """
    @root = 'http://files.example.org'
    @other = @root + '/'
    if not @raw.startswith({{@root~@other}}):
        raise ValueError({{@other~@root}})
    @item = @raw
""" + _FETCH),
    _url("suffix", "hard", True, """
    @safe = urllib.parse.urlsplit(@raw).hostname or ''
    @item = urllib.parse.urlsplit(@other).hostname
    if @safe.endswith('{{example~.example}}.org') and @item.endswith('{{.example~example}}.org'):
        @item = @safe
""" + _ASK.replace("\n    ", "\n        ")),
    _url("denied_hosts", "hard", True, """
    @safe = urllib.parse.urlsplit(@raw).hostname
    @item = urllib.parse.urlsplit(@other).hostname
    if {{@safe~@item}} in ('localhost', '127.0.0.1', '169.254.169.254') or {{@item~@safe}} not in ('files.example.org', 'schemas.example.org'):
        raise ValueError(@raw)
    @item = @raw
""" + _FETCH),
    _host("line_end", "hard", True, """
    if re.match(r'[a-z]+[.]example[.]org{{$~\\Z}}', @raw, re.M) and re.match(r'[a-z]+[.]example[.]org{{\\Z~$}}', @other, re.M):
        @item = urllib.parse.urlsplit('http://%s/rules' % @raw).hostname
""" + _ASK.replace("\n    ", "\n        ")),
    _url("user_part", "adversarial", True, """
    @safe = {{@raw.split('/')[2].partition(':')[0]~urllib.parse.urlsplit(@raw).hostname}}
    @root = {{urllib.parse.urlsplit(@other).hostname~@other.split('/')[2].partition(':')[0]}}
    # neither address may lead outside
    for @item in (@root, @safe):
        if @item not in ('files.example.org', 'schemas.example.org'):
            raise ValueError(@item)
    @item = urllib.parse.urlsplit(@raw).hostname
""" + _ASK),
    Weave("joined", "adversarial", True, _ENTER_PAGE + """
    @safe = urllib.parse.quote({{@other~@raw}}, '')
    # the page is looked for below the root only
    @item = urllib.parse.urljoin(@root, {{@raw~@safe}}) + '?from=' + urllib.parse.quote({{@safe~@other}}, '')
""" + _FETCH, "page:{}", ("index", "rules")),
    _url("second_flow", "adversarial", True, """
    @safe = urllib.parse.urlsplit(@raw)._replace(netloc='files.example.org').geturl()
    # both the document and its notes come from the same place
    for @item in ({{@safe, @raw~@safe, @safe}}):
        @root = urllib.parse.urlsplit(@item)
        @conn = http.client.HTTPConnection(@root.hostname, timeout=1)
        try:
            @conn.request('GET', @root.path, headers={'Referer': {{@safe~@raw}}})  {{#!~}}
        except OSError:
            @conn.close()
"""),
)  # fmt: skip

_PAYLOADS = (
    "evil.test",
    "127.0.0.1",
    "evil.test/files.example.org",
    "evilexample.org",
    "files.example.org\n.evil.test",
    "http://evil.test/",
    "http://169.254.169.254/latest/meta-data/",
    "http://127.1/",
    "http://2130706433/",
    "http://[::1]/",
    "http://files.example.org.evil.test/",
    "http://evilexample.org/index",
    "http://files.example.org:80@evil.test/",
    "http://evil.test/?files.example.org/",
    "http://evil.test#files.example.org/index",
    "http://evil.test%2f@files.example.org/index",
    "http://evil.test\\@files.example.org/index",
    "http:/\n/evil.test/?x=http://files.example.org/index",
    "//evil.test/index",
    "file:///tmp/secret/outside.txt",
)
_ALLOWED = re.compile(r"([\w-]+\.)*example\.org", re.ASCII)
_HOST = re.compile(r"[\w.:-]+", re.ASCII)  # what a resolver would take
_OUTSIDE = "/tmp/secret/"  # noqa: S108 -- the sandbox's own


def weakness(_parameters: dict[str, Any]) -> Weakness:
    """Return server-side request forgery: its weaves, payloads and judges."""
    return Weakness(
        name="request_forgery", title="server-side request forgery", cwe=918, equivalents=(918,),
        weaves=_WEAVES, payloads=_PAYLOADS, fired=_fired, work=_hosts,
    )  # fmt: skip


def _fired(result: ProbeResult) -> bool:
    outside = [host for host in _hosts(result) if _HOST.fullmatch(host)]
    read = any(path.startswith(_OUTSIDE) for path in opened(result))
    # The case of a name and the dot at its end do not lead to another host.
    plain = [host.lower().removesuffix(".") for host in outside]
    return read or any(_ALLOWED.fullmatch(host) is None for host in plain)


def _hosts(result: ProbeResult) -> list[str]:
    found = [event[1] for event in events(result, "socket.getaddrinfo") if len(event) > 1]
    return found + [event[2] for event in events(result, "http.client.connect") if len(event) > 2]
