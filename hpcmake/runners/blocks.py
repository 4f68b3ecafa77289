"""Blocks of Blue Gene/Q: the commands that find, boot and free them, and the parts that one can be cut into.

Owns the words of get-bootable-blocks, boot-block and get-corners.py, and their answers.  Knows nothing of what is run.
"""

from __future__ import annotations

import re

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.runners.dialects import SHAPES, require_part
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_BLOCK = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9]+)+")
_CORNER = re.compile(r"R[0-9A-Fa-f]{2}-M[01]-N[0-9]{2}-J[0-9]{2}")
_SIZE = re.compile(r"-([0-9]+)$")
_ENDS = re.compile(r"-([0-9A-Za-z]{5})-([0-9A-Za-z]{5})-[0-9]+$")
_FAILED = re.compile(r"^.*\bfailed\b.*$", re.MULTILINE)

LARGEST_CUT = 512
"""Nodes of the largest block that can be cut into parts."""


def render_bootable(block: str, size: int) -> list[str]:
    """Return the command that lists the blocks of so many nodes that can be booted now inside of a job's block."""
    return ["get-bootable-blocks", "--size", str(size), block]


def parse_blocks(text: str, *, size: int) -> list[str]:
    """Return the blocks of so many nodes in an answer of `get-bootable-blocks`, in its order.

    Its own help says that names are parted by blanks, its source by ends of lines: both are read.  Raises Trouble if
    something else stands there.
    """
    blocks = []
    for match in re.finditer(r"\S+", text):
        if not _BLOCK.fullmatch(match[0]):
            span = Span(Source("get-bootable-blocks", text), match.start(), match.end())
            message = "what get-bootable-blocks says cannot be read"
            raise Trouble(Diagnostic("E912", message, span, "not the name of a block"))
        nodes = block_size(match[0])
        if nodes is None or nodes == size:
            blocks.append(match[0])
    return list(dict.fromkeys(blocks))


def block_size(block: str) -> int | None:
    """Return the nodes of a block by its name, which ends in them; None if it does not."""
    match = _SIZE.search(block)
    return int(match[1]) if match else None


def take_apart(blocks: Iterable[str], most: int) -> list[str]:
    """Return the first of some blocks, at most so many, of which no two have nodes in common.

    That is told by their names, which hold two opposite corners in the torus; where a name does not (a block may reach
    around the torus), nobody knows before it is booted.
    """
    taken: list[str] = []
    boxes: list[list[tuple[int, int]]] = []
    for block in blocks:
        if len(taken) >= most:
            break
        box = _box(block)
        if box is not None:
            if any(_meet(box, other) for other in boxes):
                continue
            boxes.append(box)
        taken.append(block)
    return taken


def _box(block: str) -> list[tuple[int, int]] | None:
    match = _ENDS.search(block)
    if match is None:
        return None
    try:
        box = [(int(low, 16), int(high, 16)) for low, high in zip(match[1], match[2], strict=True)]
    except ValueError:
        return None
    nodes = 1
    for low, high in box:
        nodes *= max(0, high - low + 1)
    return box if nodes == block_size(block) else None


def _meet(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> bool:
    return all(low <= end and start <= high for (low, high), (start, end) in zip(one, other, strict=True))


def block_sizes(smallest: int, most: int) -> list[int]:
    """Return the sizes in which blocks are looked for in one of `most` nodes, ascending: doubled, and that itself.

    >>> block_sizes(512, 3072)
    [512, 1024, 2048, 3072]
    """
    sizes = []
    size = max(1, smallest)
    while size < most:
        sizes.append(size)
        size *= 2
    return [*sizes, most]


def find_boot_failure(status: int, out: str, err: str) -> str | None:
    """Return why a block was not booted or freed, as boot-block said it; None if it was.

    Its versions do not agree on the exit status of a boot that has failed, so what it says counts too.
    """
    said = _FAILED.findall(err) or _FAILED.findall(out)
    if said:
        return str(said[-1]).strip()
    if status == 0:
        return None
    lines = (err.strip() or out.strip()).splitlines()
    return lines[-1].strip() if lines else f"boot-block ended with status {status}"


def render_boot(block: str) -> list[str]:
    """Return the command that boots a block for the job that it is called in; it takes minutes, and ends with 0."""
    return ["boot-block", "--block", block]


def render_free(block: str) -> list[str]:
    """Return the command that frees a block."""
    return ["boot-block", "--block", block, "--free"]


def render_corners(block: str, nodes: int) -> list[str]:
    """Return the command that lists the corners of the parts of a block that hold so many nodes.  Raises Trouble."""
    return ["get-corners.py", block, SHAPES[require_part(nodes)]]


def parse_corners(text: str) -> list[str]:
    """Return the corners in an answer of `get-corners.py`, such as `R00-M0-N00-J00`, in its order."""
    return list(dict.fromkeys(_CORNER.findall(text)))


def parts_of(nodes: int, block: int) -> int | None:
    """Return how many nodes a task of so many is given in a block: the smallest part that holds it, or all of it.

    None if the block is too small.

    >>> parts_of(20, 512)
    32
    """
    if nodes > block:
        return None
    if block > LARGEST_CUT:
        return block
    return next((size for size in sorted(SHAPES) if nodes <= size <= block), block)
