"""What every engine's file has to have, solvers among them."""

from __future__ import annotations

import jsonschema
import pytest

from assay.core import registry
from assay.engines.base import brought_in, is_recorded, is_remote, needs_weights


@pytest.mark.parametrize("name", registry.names("engines"))
def test_the_examples_of_every_engine_fit_its_closed_schema(name):
    plugin = registry.load("engines", name)
    assert plugin.EXAMPLES
    for example in plugin.EXAMPLES:
        jsonschema.validate(example, plugin.PARAMETERS)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**example, "unheard_of": 1}, plugin.PARAMETERS)
    kinds = {"solve": plugin.REFERENCE, "read_answers": is_recorded(plugin)}
    kinds["open_engine"] = not any(kinds.values())
    assert {kind: hasattr(plugin, kind) for kind in kinds} == kinds
    assert sum(kinds.values()) == 1
    assert hasattr(plugin, "write_requests") == bool(brought_in(plugin))
    assert not plugin.REFERENCE or not needs_weights(plugin)
    assert is_recorded(plugin) or not brought_in(plugin)
    assert not is_remote(plugin) or not needs_weights(plugin)
