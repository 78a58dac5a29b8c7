"""A fake of the wheel `torch`: what the engine vllm asks it for, and no more."""

from types import SimpleNamespace

backends = SimpleNamespace(cpu=SimpleNamespace(get_cpu_capability=lambda: "FAKE"))
cuda = SimpleNamespace(is_available=lambda: False)
cpu = SimpleNamespace()
