"""EvalPlus' own check of untrusted code, asked over standard input: one answer a line of JSON.

A process of its own, with nothing loaded but EvalPlus and what it needs, as it runs by itself: it
forks a process for each answer, and a large parent would make that dearer.
"""

from __future__ import annotations

import json
import sys

from evalplus.eval import PASS, untrusted_check

for line in sys.stdin:
    one = json.loads(line)
    status, _ = untrusted_check(
        "humaneval", one["code"], one["inputs"], one["name"], expected=one["expected"], atol=0,
        ref_time=[0.001] * len(one["inputs"]), fast_check=True,
    )  # fmt: skip
    print(json.dumps(status == PASS), flush=True)
