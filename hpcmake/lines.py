"""The form of the journal's lines: a checksum, a space, and a record in JSON.

Owns writing and reading such lines, and what is told of those that are damaged.  Knows nothing of files, nor of what a
record means.
"""

from __future__ import annotations

import re
from json import JSONEncoder, loads

from hpcmake.crc import crc32c, find_damaged
from hpcmake.diagnostics import Diagnostic
from hpcmake.record import Record
from hpcmake.refusals import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

_encode = JSONEncoder(separators=(",", ":"), check_circular=False).encode
_BLOCK = 1 << 22  # bytes of lines that are checked and parsed together
_BODY = 9  # where the record begins in its line, behind eight digits and a space


class Damage(Record):
    """A line that is no record: `line` is counted from 1, `offset` in bytes from the start of the file.

    `torn` says that it is the last one and has no end: its writer was killed, or is still writing.
    """

    file: str
    line: int
    offset: int
    length: int
    torn: bool = False


def render_record(record: Mapping[str, Any]) -> bytes:
    """Return a record as one line: its CRC-32C, a space, and JSON in ASCII (so that any file name can be in it)."""
    body = _encode(record).encode("ascii")
    return b"%08x %b\n" % (crc32c(body), body)


def parse_records(raw: bytes, name: str, start: int = 0) -> tuple[list[dict[str, Any]], list[Damage]]:
    """Return the records of a file from byte `start` on, which begins a line, and the lines that are none."""
    damage: list[Damage] = []
    records: list[dict[str, Any]] = []
    for block in parse_blocks(raw, name, damage, start):
        records += block
    return records, damage


def parse_blocks(raw: bytes, name: str, damage: list[Damage], start: int = 0) -> Iterator[list[dict[str, Any]]]:
    """Yield the records of a file in lists of some thousand, for who keeps only part of them; append to `damage`."""
    at = start
    number = raw.count(b"\n", 0, start) + 1
    whole = raw.rfind(b"\n", start) + 1 or start
    while at < whole:
        lines = _take_lines(raw, at, whole)
        yield _parse_lines(lines, name, damage, number, at)
        at += sum(map(len, lines)) + len(lines)
        number += len(lines)
    if whole < len(raw):
        # A record that is complete but for its end is as good as any: nothing of it is missing.
        rest: list[Damage] = []
        last = _parse_lines([raw[whole:]], name, rest, number, whole)
        damage += [each.replace(torn=True) for each in rest]
        if last:
            yield last


def _take_lines(raw: bytes, start: int, end: int) -> list[bytes]:
    """Return the next lines, without their ends: some thousand, or one that is very long."""
    stop = raw.find(b"\n", min(start + _BLOCK, end - 1)) + 1
    return raw[start:stop].split(b"\n")[:-1]


def _parse_lines(lines: list[bytes], name: str, damage: list[Damage], number: int, at: int) -> list[dict[str, Any]]:
    bodies = [line[_BODY:] for line in lines]
    try:
        sums = [int(line[:8], 16) for line in lines]
        if not find_damaged(bodies, sums):
            records: list[Any] = loads(b"[%b]" % b",".join(bodies))
            if len(records) == len(lines) and all(type(each) is dict for each in records):
                return records
    except (ValueError, RecursionError):  # something in there is not what we write: look for it
        pass
    return _parse_one_by_one(lines, name, damage, number, at)


_LINE = re.compile(rb"[0-9a-f]{8} \{.*\}", re.DOTALL)


def _parse_one_by_one(
    lines: list[bytes], name: str, damage: list[Damage], number: int, at: int
) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for line in lines:
        record = _find_record(line)
        if record is not None:
            records.append(record)
        elif line:  # an empty line ends a torn one, and was none itself
            within, whole = _find_within(line)
            records += within
            if not whole:
                damage.append(Damage(name, number, at, len(line)))
        number += 1
        at += len(line) + 1
    return records


_START = re.compile(rb"[0-9a-f]{8} \{")
_MOST = 8  # records that are looked for in one damaged line: each costs a checksum of all that follows


def _find_within(line: bytes) -> tuple[list[dict[str, Any]], bool]:
    """Return the whole records in a line that is none, since an end of line was damaged; and whether that was all."""
    starts = [found.start() for found, _ in zip(_START.finditer(line), range(_MOST), strict=False)]
    ends = [*(start - 1 for start in starts), len(line)][1:]
    found = [_find_record(line[start:end]) for start, end in zip(starts, ends, strict=False)]
    records = [record for record in found if record is not None]
    return records, starts[:1] == [0] and len(records) == len(starts) > 1


def _find_record(line: bytes) -> dict[str, Any] | None:
    if not _LINE.fullmatch(line) or crc32c(line[_BODY:]) != int(line[:8], 16):
        return None
    try:
        record = loads(line[_BODY:])
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def damage_diagnostics(damage: Iterable[Damage]) -> list[Diagnostic]:
    """Return what a user is told of damaged lines: one warning for each file, one for each torn end."""
    told: list[Diagnostic] = []
    files: dict[str, list[Damage]] = {}
    for each in damage:
        if each.torn:
            message = f"the last record in {shown(each.file)} is half written (from byte {each.offset} on), and dropped"
            mend = "the task that it was about runs again; nothing else is lost"
            told.append(Diagnostic("W711", message, help=mend))
        else:
            files.setdefault(each.file, []).append(each)
    for file, lines in files.items():
        first = lines[0]
        count = f"{len(lines)} records" if len(lines) > 1 else "a record"
        where = f"{'first in ' if len(lines) > 1 else ''}line {first.line}, byte {first.offset}"
        message = f"{count} in {shown(file)} {'are' if len(lines) > 1 else 'is'} damaged ({where}), and skipped"
        whose = "the tasks that they were about run" if len(lines) > 1 else "the task that it was about runs"
        told.append(Diagnostic("W710", message, help=f"{whose} again; nothing else is lost"))
    return told
