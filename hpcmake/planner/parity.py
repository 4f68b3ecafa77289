"""A spare block at the end of a text, from which any one damaged block of it can be made again.

Owns that block, the checksums that tell which one is damaged, and the mending.  Knows nothing of what the text says.

Behind the text stand the exclusive or of all its blocks, their CRC-32s, and a last line that says how many of what size
there are.  So one flipped bit, or one lost sector, in the records of a million tasks costs none of them.
"""

from __future__ import annotations

from array import array
from zlib import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SMALL, _LARGE = 1 << 12, 1 << 16  # bytes of a block
_FROM = 1 << 22  # a text of so many bytes has large blocks
_LAST = 64  # bytes of the last line


def with_parity(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield chunks of a text of `size` bytes, and behind them what mends it."""
    block = _LARGE if size >= _FROM else _SMALL
    sums = array("I")
    parity = 0
    part = b""
    for chunk in chunks:
        yield chunk
        part += chunk
        whole = len(part) - len(part) % block
        for at in range(0, whole, block):
            piece = part[at : at + block]
            sums.append(crc32(piece))
            parity ^= int.from_bytes(piece, "little")
        part = part[whole:]
    if part:
        sums.append(crc32(part))
        parity ^= int.from_bytes(part, "little")
    spare = parity.to_bytes(block, "little") + sums.tobytes()
    yield spare
    yield (b"%08x %d %d %d" % (crc32(spare), block, len(sums), size)).ljust(_LAST - 1) + b"\n"


def find_mended(raw: memoryview) -> bytes | None:
    """Return a text with its one damaged block made again; None if none is damaged, or more, or what mends it."""
    try:
        checksum, block, count, size = (
            int(word, radix) for word, radix in zip(bytes(raw[-_LAST:]).split(), (16, 10, 10, 10), strict=True)
        )
    except ValueError:
        return None
    spare = raw[size : len(raw) - _LAST]
    if len(spare) != block + 4 * count or crc32(spare) != checksum or -(-size // block) != count:
        return None
    sums = array("I", bytes(spare[block:]))
    parity = int.from_bytes(spare[:block], "little")
    damaged: list[int] = []
    for number, want in enumerate(sums):
        piece = raw[number * block : min((number + 1) * block, size)]
        if crc32(piece) == want:
            parity ^= int.from_bytes(piece, "little")
        else:
            damaged.append(number)
    if len(damaged) != 1:
        return None
    start = damaged[0] * block
    end = min(start + block, size)
    made = parity.to_bytes(block, "little")[: end - start]
    if crc32(made) != sums[damaged[0]]:
        return None
    return b"".join([raw[:start], made, raw[end:]])
