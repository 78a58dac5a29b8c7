import pytest

from assay.mining.text import Lines, UnreadableError, bom_length, decode

READABLE = {
    "plain": (b"x = 1\n", "x = 1\n"),
    "empty": (b"", ""),
    "byte order mark": (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
    "byte order mark and cookie": (b"\xef\xbb\xbf# coding: utf-8\n", "# coding: utf-8\n"),
    "latin-1": ("# -*- coding: latin-1 -*-\nn = 'é'\n".encode("latin-1"),
                "# -*- coding: latin-1 -*-\nn = 'é'\n"),
    "cookie in line 2": ("#!/usr/bin/python\n# vim: fileencoding=cp1252\n'€'\n".encode("cp1252"),
                         "#!/usr/bin/python\n# vim: fileencoding=cp1252\n'€'\n"),
    "a cookie in line 3 is none": (b"#\n#\n# coding: nonsense\n", "#\n#\n# coding: nonsense\n"),
    "a cookie after code is none": (b"x = 1\n# coding: nonsense\n", "x = 1\n# coding: nonsense\n"),
    "line ends stay": (b"a\r\nb\rc\n", "a\r\nb\rc\n"),
}  # fmt: skip
UNREADABLE = {
    "not UTF-8": (b"x = '\xff'\n", "not UTF-8 at byte 5"),
    "not UTF-8 after a byte order mark": (b"\xef\xbb\xbf\xff", "not UTF-8 at byte 3"),
    "UTF-16": ("x = 1\n".encode("utf-16"), "not UTF-8 at byte 0"),
    "unknown cookie": (b"# coding: klingon\n", "declares the unknown encoding klingon"),
    "a codec of no text": (b"# coding: rot13\nx = 1\n", "declares the unknown encoding rot13"),
    "not its cookie's": (b"# coding: ascii\n'\xe9'\n", "not ascii at byte 17"),
    "cookie against mark": (b"\xef\xbb\xbf# coding: latin-1\n",
                            "declares latin-1 but starts with a UTF-8 byte order mark"),
    "NUL": (b"x = 1\0\n", "a NUL at character 6"),
}  # fmt: skip


@pytest.mark.parametrize("case", READABLE)
def test_what_python_reads(case):
    data, text = READABLE[case]
    assert decode(data) == text


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_python_does_not_read_is_said_in_words(case):
    data, words = UNREADABLE[case]
    with pytest.raises(UnreadableError) as caught:
        decode(data)
    assert str(caught.value) == words


def test_lines_are_counted_as_python_does():
    text = "a\fb\u2028c\x85\r\nd\re\n"
    lines = Lines(text, base=3)
    assert lines.lines == ["a\fb\u2028c\x85\r\n", "d\r", "e\n"]
    assert [lines.line(text.index(letter)) for letter in "acde"] == [1, 1, 2, 3]
    assert [lines.byte(text.index(letter)) for letter in "abcde"] == [3, 5, 9, 14, 16]
    assert lines.whole(2, 3) == "d\re\n"


def test_a_mark_counts_as_three_bytes():
    assert bom_length(b"\xef\xbb\xbfx") == 3
    assert bom_length(b"x\xef\xbb\xbf") == 0
