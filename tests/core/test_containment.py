from __future__ import annotations

import json

import pytest

from assay.core.containment import network_interfaces, require_contained
from assay.core.errors import UserError

HEAD = "Inter-|   Receive\n face |bytes\n"
LOOPBACK = HEAD + "    lo:  0 0\n"


@pytest.fixture
def place(tmp_path):
    marker, listing = tmp_path / "marker.json", tmp_path / "dev"
    marker.write_text(json.dumps({"image": "tools-0123456789ab"}))
    listing.write_text(LOOPBACK)
    return marker, listing


def test_the_right_image_without_a_network_is_accepted(place):
    require_contained("tools-0123456789ab", *place)


def test_a_missing_marker_another_image_and_an_interface_are_refused(place):
    marker, listing = place
    with pytest.raises(UserError, match="wrong image"):
        require_contained("tools-ffffffffffff", marker, listing)
    listing.write_text(LOOPBACK + "  eth0: 1 1\n")
    with pytest.raises(UserError, match="eth0"):
        require_contained("tools-0123456789ab", marker, listing)
    marker.unlink()
    with pytest.raises(UserError, match="outside its container"):
        require_contained("tools-0123456789ab", marker, listing)


def test_loopback_is_found_on_this_machine():
    assert "lo" in network_interfaces()
