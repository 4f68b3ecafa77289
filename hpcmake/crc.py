"""The checksum of journal lines: CRC-32C (Castagnoli), in plain Python.

Owns the checksum of one text and the check of many texts at once.  Knows nothing of what they say.
"""

from __future__ import annotations

import sys
from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_POLYNOMIAL = 0x82F63B78
_ONES = 0xFFFFFFFF
_ENOUGH = 1 << 16  # bytes after which the large tables, that take some milliseconds to build, pay for themselves
_WORD = "I" if array("I").itemsize == 4 else "L"  # noqa: PLR2004  # the type code of 32 bits
_LONG = 4096  # a longer line is checked by itself: sums grow as long as their longest summand

_bytewise: list[int] = []
_near: list[int] = []  # two bytes at once: those after which two zero bytes are still to come …
_far: list[int] = []  # … and those after which nothing is
_advanced: list[int] = [_ONES]  # the start value after n zero bytes
_spent = 0


def _build_bytewise() -> list[int]:
    for start in range(256):
        crc = start
        for _ in range(8):
            crc = (crc >> 1) ^ _POLYNOMIAL if crc & 1 else crc >> 1
        _bytewise.append(crc)
    return _bytewise


def _build_wordwise() -> None:
    table = _bytewise or _build_bytewise()
    low = [table[crc & 255] ^ (crc >> 8) for crc in table]
    _far.extend([high ^ each for high in table for each in low])
    high_again = [low[crc & 255] ^ table[crc >> 8 & 255] ^ (crc >> 16) for crc in table]
    low_again = [low[crc & 255] ^ table[crc >> 8 & 255] ^ (crc >> 16) for crc in low]
    _near.extend([high ^ each for high in high_again for each in low_again])


def crc32c(raw: bytes) -> int:
    """Return the CRC-32C of some bytes: 0xE3069283 for `123456789`."""
    return _run(raw, _ONES) ^ _ONES


def _run(raw: bytes, crc: int) -> int:
    global _spent  # noqa: PLW0603  # counts what the small table has cost so far
    small = _bytewise or _build_bytewise()
    rest = raw
    if not _near and _spent >= _ENOUGH:
        _build_wordwise()
    if _near:
        near, far = _near, _far
        whole = len(raw) & ~3
        rest = raw[whole:]
        words = array(_WORD, raw[:whole])
        if sys.byteorder == "big":
            words.byteswap()
        for word in words:
            crc ^= word
            crc = near[crc & 0xFFFF] ^ far[crc >> 16]
    else:
        _spent += len(raw)
    for byte in rest:
        crc = small[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc


def find_damaged(lines: Sequence[bytes], sums: Sequence[int]) -> list[int]:
    """Return which lines have another CRC-32C than the one given for them, as ascending indices.

    The checksum is linear: the sum (exclusive or) of several lines has the sum of their checksums.  So lines are
    summed into buckets drawn at random, twice over, and only the buckets are worked through byte by byte: ten times
    faster.  A single damaged line is always found; two can hide each other only if both are damaged in the very same
    way and fall into one bucket both times, which chance grants once in 65,536 times.
    """
    if len(lines) < _BUCKETS * 4:
        return [at for at, (line, want) in enumerate(zip(lines, sums, strict=True)) if crc32c(line) != want]
    suspects: set[int] = set()
    for _ in range(2):
        suspects.update(_suspects(lines, sums))
    return sorted(at for at in suspects if crc32c(lines[at]) != sums[at])


_BUCKETS = 256


def _suspects(lines: Sequence[bytes], sums: Sequence[int]) -> list[int]:
    """Return the lines in buckets whose sum is wrong, and those that are too long to be summed."""
    from os import urandom  # as independent of what is in the lines as can be

    draws = urandom(len(lines))
    texts = [0] * _BUCKETS
    wanted = [0] * _BUCKETS
    advanced = _advance(min(_LONG, max(map(len, lines))))
    parse = int.from_bytes
    long: list[int] = []
    for at, (bucket, line, want) in enumerate(zip(draws, lines, sums, strict=True)):
        length = len(line)
        if length > _LONG:
            long.append(at)
            continue
        texts[bucket] ^= parse(line, "big")
        wanted[bucket] ^= want ^ advanced[length]
    counts = [draws.count(bucket) for bucket in range(_BUCKETS)]
    for at in long:
        counts[draws[at]] -= 1
    wrong = {
        bucket
        for bucket, (text, want, count) in enumerate(zip(texts, wanted, counts, strict=True))
        if _run(text.to_bytes(-(-text.bit_length() // 8), "big"), 0) != (want ^ _ONES if count & 1 else want)
    }
    return [at for at, bucket in enumerate(draws) if bucket in wrong] + long


def _advance(length: int) -> list[int]:
    """Return the start value after 0, 1, … `length` zero bytes."""
    small = _bytewise or _build_bytewise()
    crc = _advanced[-1]
    for _ in range(length + 1 - len(_advanced)):
        crc = small[crc & 255] ^ (crc >> 8)
        _advanced.append(crc)
    return _advanced
