"""What every engine's file has to have, solvers among them."""

from __future__ import annotations

import jsonschema
import pytest

from assay.core import registry


@pytest.mark.parametrize("name", registry.names("engines"))
def test_the_examples_of_every_engine_fit_its_closed_schema(name):
    plugin = registry.load("engines", name)
    assert plugin.EXAMPLES
    for example in plugin.EXAMPLES:
        jsonschema.validate(example, plugin.PARAMETERS)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**example, "unheard_of": 1}, plugin.PARAMETERS)
    assert hasattr(plugin, "solve") == plugin.REFERENCE
    assert hasattr(plugin, "open_engine") != plugin.REFERENCE
