from __future__ import annotations

import pytest

from assay.core import registry
from assay.core.errors import HarnessError, UserError


def test_plugins_are_found_sorted_without_a_list():
    found = registry.names("engines")
    assert found == sorted(found)
    assert "oracle" in found
    assert not {"base", "__init__"} & set(found)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match="oracle"):
        registry.load("engines", "oracel")


def test_an_import_error_names_the_file_and_is_fatal(tmp_path, monkeypatch):
    (tmp_path / "broken_room").mkdir()
    (tmp_path / "broken_room" / "__init__.py").write_text("")
    (tmp_path / "broken_room" / "bad.py").write_text("import nothing_of_that_name\n")
    import assay

    monkeypatch.setattr(assay, "__path__", [*assay.__path__, str(tmp_path)])
    with pytest.raises(HarnessError, match=r"broken_room/bad\.py"):
        registry.discover("broken_room")
