"""Blocks of a Blue Gene/Q: which there are in a job, which are booted, and the commands for both.

Owns get-bootable-blocks, boot-block and get-corners.py.  Knows nothing of runjob.

A block is a range of the job's nodes in their order: the whole, its halves, and so on down to the smallest that can be
booted.  On the real machine blocks are boxes of a torus, and more of them overlap.
"""

from __future__ import annotations

import os
import sys
import time

from .face import parse_options
from .refusal import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .state import State

FAILED, UNAUTHORISED, BAD_OPTIONS = 1, 2, 3
SMALLEST_PART = 1


def block_names(state: State) -> dict[str, tuple[int, int]]:
    """Return the blocks of the job, each with the range of its nodes."""
    found: dict[str, tuple[int, int]] = {}
    total, least, first = len(state.names), state.number("smallest_block"), state.number("offset")
    size = total
    while size >= least:
        for start in range(0, total - size + 1, size):
            found[block_name(state.settings["prefix"], first + start, size)] = (start, start + size)
        if size % 2:
            break
        size //= 2
    return found


def block_name(prefix: str, start: int, size: int) -> str:
    """Return the name of a block: its prefix, two corners as hexadecimal digits, and its size."""
    return f"{prefix}-{start >> 5:05X}-{(start + size - 1) >> 5:05X}-{size}"


def find_block(state: State, name: str) -> list[str] | None:
    """Return the nodes of a block; None if the job has no such block."""
    found = block_names(state).get(name)
    return None if found is None else state.names[found[0] : found[1]]


def parse_shape(text: str) -> int:
    """Return how many nodes a shape has, such as 2x2x2x2x1; 0 if it is none.

    >>> parse_shape("2x2x2x2x1")
    16
    """
    parts = text.split("x")
    if len(parts) != 5 or not all(part.isascii() and part.isdigit() for part in parts):  # noqa: PLR2004  # A to E
        return 0
    size = 1
    for part in parts:
        size *= int(part)
    return size


def _bootable(state: State) -> list[str]:
    """Return the blocks that no booted one overlaps, by size, then by name."""
    blocks = block_names(state)
    booted = [blocks[name] for name in state.marked("booted") if name in blocks]
    free = [name for name, (low, high) in blocks.items() if not any(low < top and at < high for at, top in booted)]
    return sorted(free, key=lambda name: (blocks[name][1] - blocks[name][0], name))


def list_bootable(state: State, argv: list[str]) -> int:
    """get-bootable-blocks [--size N] [--geometry AxBxCxDxE] BLOCK."""
    values, rest = parse_options("get-bootable-blocks", argv, {"--size": "size", "--geometry": "geometry"}, {})
    blocks = block_names(state)
    if len(rest) != 1 or rest[0] not in blocks:
        raise Refusal("get-bootable-blocks: give the name of a block of this job")  # ours
    size = int(values["size"][-1]) if "size" in values else 0
    size = parse_shape(values["geometry"][-1]) if "geometry" in values else size
    low, high = blocks[rest[0]]
    with state.lock():
        names = _bootable(state)
    for name in names:
        start, end = blocks[name]
        if low <= start and end <= high and size in {0, end - start}:
            sys.stdout.write(name + "\n")
    return 0


def boot(state: State, argv: list[str]) -> int:
    """boot-block [--block B] [--free | --reboot]."""
    flags = {"--free": "free", "--reboot": "reboot"}
    known = {"--block": "block", "--jobid": "job", "--user": "user"}
    try:
        values, rest = parse_options("boot-block", argv, known, flags)
    except Refusal as refusal:
        refusal.status = BAD_OPTIONS
        raise
    name = values["block"][-1] if "block" in values else _default()
    if rest or ("free" in values and "reboot" in values):
        raise Refusal("boot-block: unexpected arguments", status=BAD_OPTIONS)  # ours
    blocks = block_names(state)
    if name not in blocks:
        raise Refusal(f"Boot request for block {name} failed authorization.", status=UNAUTHORISED)
    with state.lock():
        if values.keys() & {"free", "reboot"}:
            sys.stdout.write(f"Block free on {name} initiated.\n")
            state.unmark("booted", name)
            sys.stdout.write(f"Block {name} successfully freed.\n")
            if "free" in values:
                return 0
        free = name in _bootable(state)
    if not free and name not in state.marked("booted"):
        raise Refusal(f"Boot for location {name} failed.", status=FAILED)
    time.sleep(float(state.settings.get("boot") or 0))
    with state.lock():
        down = state.marked("down")
        low, high = blocks[name]
        if any(node in down for node in state.names[low:high]) or (
            name not in state.marked("booted") and name not in _bootable(state)
        ):
            raise Refusal(f"Boot for location {name} failed.", status=FAILED)
        state.mark("booted", name)
    sys.stdout.write(f"Boot for location {name} complete.\n")
    return 0


def _default() -> str:
    return os.environ.get("COBALT_PARTNAME") or os.environ.get("COBALT_BLOCKNAME") or ""


def list_corners(state: State, argv: list[str]) -> int:
    """get-corners.py BLOCK SHAPE: the corners of the parts of a block that have this shape."""
    nodes = find_block(state, argv[0]) if argv else None
    size = parse_shape(argv[1]) if len(argv) == 2 else 0  # noqa: PLR2004  # block and shape
    if nodes is None or not size:
        raise Refusal("usage: get-corners.py BLOCK AxBxCxDxE")
    sys.stdout.write("".join(node + "\n" for node in nodes[::size]))
    return 0
