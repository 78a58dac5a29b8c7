"""A fake of the wheel `vllm`: no model, but a server that misbehaves where it is told to.

The prompt's first word names what the answer is to do, `word` in the model's config.json what the
start is to do; see `entrypoints/launchers/api_server/entry.py`. What it was asked it tells on
standard error.
"""

import json
import sys
import time
from pathlib import Path

__version__ = "fake-1"
ARGUMENTS = {
    name: value for name, value in zip(sys.argv[1:], sys.argv[2:], strict=False) if name[0] == "-"
}
MODEL = Path(ARGUMENTS["--model"])
WORD = json.loads((MODEL / "config.json").read_text())["word"]
if WORD == "hang":
    time.sleep(3600)
