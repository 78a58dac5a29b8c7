"""The frames that the supervisor writes to its channel, and how they are taken apart outside."""

from __future__ import annotations

import os
import struct

READY, DATA, END = 0, 1, 2
COLD = 3  # the warm server leaves this job to the usual way
TESTS, SCENARIOS = 0, 1  # the phases of a job
HEAD = struct.Struct(">BBII")

Frame = tuple[int, int, int, bytes]


def write(handle: int, kind: int, phase: int, job: int, payload: bytes) -> None:
    """Write one frame: kind, phase, job, length, payload."""
    send(handle, HEAD.pack(kind, phase, job, len(payload)) + payload)


def send(handle: int, data: bytes) -> None:
    """Write all of the bytes to a descriptor."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def parse(data: bytes) -> list[Frame]:
    """Return the whole frames of the bytes; a frame that was cut short is left out."""
    frames, at = [], 0
    while at + HEAD.size <= len(data):
        kind, phase, job, length = HEAD.unpack_from(data, at)
        at += HEAD.size
        if at + length > len(data):
            break
        frames.append((kind, phase, job, data[at : at + length]))
        at += length
    return frames
