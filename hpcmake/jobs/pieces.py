"""The pieces of a batch on the disk: `batch.jsonl`, and what was given to its job later.

Owns how they are written, as a whole, and read back.  Knows nothing of what their records mean.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from json import JSONEncoder, loads

from hpcmake.jobs.files import sync_folder
from hpcmake.lines import parse_records
from hpcmake.refusals import trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

END = "end"
"""The kind of the last record of each piece, with a digest of all before it: without it a piece is torn."""


class TornError(ValueError):
    """A piece of a batch that is not whole."""


def write_piece(path: str, records: Iterable[Mapping[str, Any]]) -> None:
    """Write a piece, for good: it is there as a whole or not at all.  Raises Trouble."""
    encode = JSONEncoder(separators=(",", ":"), check_circular=False).encode
    fresh = f"{path}.{os.urandom(8).hex()}.new"
    digest = blake2b(digest_size=9)
    try:
        with open(fresh, "wb", buffering=1 << 20) as file:
            for record in records:
                line = encode(record).encode("ascii") + b"\n"
                digest.update(line)
                file.write(line)
            file.write(encode({"k": END, "sum": digest.hexdigest()}).encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
        sync_folder(os.path.dirname(path))
    except OSError as error:
        raise trouble(error, "write the batch", path) from None
    finally:
        if os.path.lexists(fresh):  # a full disk, or a command that cannot be made
            os.unlink(fresh)


def read_piece(path: str) -> list[dict[str, Any]]:
    """Return the records of a piece.  Raises TornError if it is not whole, or OSError."""
    with open(path, "rb") as file:
        raw = file.read()
    start = raw.rfind(b"\n", 0, -1) + 1
    try:
        lines = raw[:-1].split(b"\n")
        records: list[Any] = loads(b"[%b]" % b",".join(lines))
        last = records[-1]
        is_whole = raw.endswith(b"\n") and last["k"] == END
        is_whole = is_whole and last["sum"] == blake2b(raw[:start], digest_size=9).hexdigest()
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        is_whole = False
    if not is_whole:
        message = f"{path} is torn: it is not run"
        raise TornError(message)
    return records


def read_records(path: str) -> list[dict[str, Any]]:
    """Return the whole records of a job, as far as they are written; none if there is no such file.  Raises OSError."""
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except FileNotFoundError:
        return []
    return parse_records(raw, path)[0]
