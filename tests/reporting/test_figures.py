import re
from xml.etree import ElementTree as ET

import pytest

from assay.reporting.figures import BINS, Dot, bars, histogram, rates

DOTS = [Dot("a", 0.5, 0.4, 0.6, "5/10"), Dot("<b>", 0.0, 0.0, 0.3, "0/10", quiet=True)]


@pytest.mark.parametrize("draw", [
    lambda: rates("Rates", [("<head>", DOTS), ("none", [])]),
    lambda: rates("None", []),
    lambda: histogram("Latency", [5, 5, 900, 12], 1000, "ms"),
    lambda: histogram("One", [0], 1000, "ms"),
    lambda: bars("Bars", [("<gate>", 12, False), ("zero", 0, True)]),
    lambda: bars("None", []),
])  # fmt: skip
def test_a_figure_is_well_formed_the_same_twice_and_within_its_frame(draw):
    figure = str(draw())
    assert figure == str(draw())
    root = ET.fromstring(figure)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for node in root.iter():
        for name in ("x", "x1", "x2", "cx"):
            assert 0 <= float(node.get(name, 0)) <= width
        for name in ("y", "y1", "y2", "cy"):
            assert 0 <= float(node.get(name, 0)) <= height


def test_a_rate_stands_where_it_belongs():
    root = ET.fromstring(str(rates("Rates", [("all", DOTS)])))
    ticks = {line.get("x1") for line in root.iter("line") if line.get("class") == "grid"}
    whisker, dot = root.find("line[@class='mark']"), root.find("circle[@class='mark']")
    assert dot.get("cx") in ticks  # one half, of five ticks from 0 to 100 %
    assert float(whisker.get("x1")) < float(dot.get("cx")) < float(whisker.get("x2"))
    assert root.find("circle[@class='quiet']") is not None


def test_every_value_is_in_one_class_of_the_histogram():
    values = [1_000_000 + 317 * number for number in range(1000)]
    found = str(histogram("Latency", values, 1_000_000, "s"))
    counts = [int(count) for count in re.findall(r"<title>(\d+)</title>", found)]
    assert len(counts) == BINS
    assert sum(counts) == 1000


def test_a_long_label_is_cut_and_whole_in_the_title():
    found = str(rates("Rates", [("all", [Dot("m" * 60, 0.5, 0.4, 0.6, "5/10")])]))
    assert f">{'m' * 27}…<" in found
    assert f"<title>{'m' * 60}: 5/10</title>" in found
