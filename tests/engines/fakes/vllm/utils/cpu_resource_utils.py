"""Part of a fake: what the engine has vLLM not ask the machine for."""


def get_memory_affinity(pid=0):
    raise OSError("the fake has no /proc")


def _get_cpu_list():
    raise OSError("the fake has no lscpu")


def _synthesize_cpu_list():
    return []
