"""Motifs of answers that were, or might be, read in more than linear time: length -> text."""

from __future__ import annotations

from collections.abc import Callable

Make = Callable[[int], str]
UNIT = "def f(x):\n    return a0\n"


def repeated(motif: str, head: str = "", tail: str = "") -> Make:
    """Return what repeats a motif up to a length."""
    return lambda length: head + motif * max(1, (length - len(head + tail)) // len(motif)) + tail


def numbered(motif: str, head: str = "", *, backwards: bool = False, by: str = "") -> Make:
    """Return what repeats a motif, with @ and @@ for its number and the next."""

    def make(length: int) -> str:
        count = length // (len(motif) + 4)
        numbers = range(count, -1, -1) if backwards else range(count)
        return head + by.join(
            motif.replace("@@", str(number + 1)).replace("@", str(number)) for number in numbers
        )

    return make


def nested(opening: str, inner: str, closing: str, head: str = "", tail: str = "") -> Make:
    """Return what opens as often as it closes."""
    both = len(opening + closing)
    return lambda length: (
        head + opening * (length // both) + inner + closing * (length // both) + tail
    )


def square(line: str, more: str) -> Make:
    """Return as many long lines as each has parts."""

    def make(length: int) -> str:
        side = int(length**0.5)
        return "f\n" + "\n".join(line + more * (side // len(more)) for _ in range(side))

    return make


def growing(mark: str) -> Make:
    """Return lines of a mark, each longer by one than the line before."""
    return lambda length: "\n".join(mark * (3 + at) for at in range(int((2 * length) ** 0.5)))


MOTIFS: dict[str, Make] = {
    "backticks": repeated("`"),
    "tildes and a backtick": repeated("~", tail="`"),
    "lines of tildes and a backtick": square("~~~`\n", "~"),
    "fences": repeated("```\n"),
    "fences that grow": growing("`"),
    "fences that are never closed": repeated("```python\ndef f(\n"),
    "fences of JSON": repeated("```json\n{'a': 1,\n```\n"),
    "thoughts that never end": repeated("<think>\n"),
    "thoughts that end": repeated("<think>\n</think>\n"),
    "ends of thoughts": repeated("</think>  x"),
    "brackets": nested("[", "", "]"),
    "brackets that are never closed": repeated("[", head="f "),
    "objects": nested('{"a":', "1", "}"),
    "braces": repeated("{"),
    "JSON with code": repeated("def f(x):\\n  return 1\\n", head='{"code": "', tail='"}'),
    "JSON with ranges": repeated('"1-9999",', head='{"lines": [', tail="1]}"),
    "JSON with findings": repeated('{"cwe":89,"line":"1-9999"},', '{"findings":[', '"NONE"]}'),
    "JSON with exploits": repeated('{"exploit":[1]},', '{"findings":[', '{"cwe":1,"line":1}]}'),
    "nearly JSON": repeated("'\\'", head="{", tail="}"),
    "one long line": repeated("f = 1 "),
    "prose": repeated("the f is a function.\n"),
    "marks of lines": repeated("LINES: 1-9999, 2-9999\n"),
    "ranges of lines": repeated("1-9, ", head="LINES: "),
    "lines in prose": repeated("line 1 line "),
    "findings": repeated("CWE-89 LINE 1-9999\n"),
    "findings on one line": repeated("CWE-89 LINE 1-9999 "),
    "weaknesses without a line": repeated("cwe-1 "),
    "lines without a weakness": repeated("l1" + " " * 40),
    "findings taken back": repeated("CWE-89 LINE 1-999\nNONE\n"),
    "stars": repeated("* *\n", tail="none"),
    "marks of witnesses": repeated("WITNESS: f([\n"),
    "a witness of many lines": repeated("1,\n", head="WITNESS: f([", tail="])"),
    "marks of exploits": repeated("EXPLOIT: x = [\n"),
    "definitions": repeated("def f(x):\n    return x\n"),
    "helpers, each needs the next": numbered("a@=a@@\n", UNIT),
    "helpers, each needs the one before": numbered("a@=a@@\n", UNIT, backwards=True),
    "helpers on one line": numbered("a@=a@@", UNIT.rstrip(), by=";"),
    "helpers on one line, not ASCII": numbered("é@=é@@", UNIT.replace("a", "é"), by=";"),
    "helpers of one name": repeated("a0=1\n", head=UNIT),
    "imports": numbered("import f@\n", UNIT),
    "decorators": repeated("@d\n", tail=UNIT),
    "branches": repeated("    if version: y\n", head="def f():\n"),
    "unknown names": numbered("  a@ = os.x@()\n", "import os\ndef f():\n"),
    "names made of names": numbered("  b@ = str(b@@, b@@)\n", "def f():\n"),
    "operators": repeated("1+", head="def f():\n  return ", tail="1"),
    "signs": repeated("-", head="def f():\n  return ", tail="1"),
    "parentheses": repeated("(", head="def f():\n  return "),
    "long lines that are never closed": square("x = (", "1,"),
    "lines that are never closed": repeated("x = (\n", head="f\n"),
    "texts that are never closed": repeated("x = '''\n", head="f\n"),
    "broken definitions": repeated("def f(x):\nbad bad\n", head="f f\n"),
    "broken decorators": repeated("@d\n", head="f f\n", tail="x y"),
    "continued lines": repeated("\\\n", head="f f\nx = "),
    "no Python": repeated("?", head="f f\nx = "),
    "line numbers": numbered("@ | def f(x): pass\n"),
    "tabs": repeated("\t", head="def f(x):\n", tail="return"),
    "empty lines": repeated("\n", tail="f"),
    "NULs": repeated("f\0"),
    "names": repeated("f" * 99 + " "),
}
