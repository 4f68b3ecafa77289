"""The pieces of a batch on the disk: `batch.jsonl`, and what was given to its job later.

Owns how they are written, as a whole, and read back.  Knows nothing of what their records mean.
"""

from __future__ import annotations

import os

from hpcmake.jobs.files import sync_folder
from hpcmake.lines import parse_records, render_record
from hpcmake.refusals import trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

END = {"k": "end"}
"""The last record of each piece: without it a piece is torn, and is not run."""


class TornError(ValueError):
    """A piece of a batch that is not whole."""


def write_piece(path: str, records: Iterable[Mapping[str, Any]]) -> None:
    """Write a piece, for good: it is there as a whole or not at all.  Raises Trouble."""
    fresh = f"{path}.{os.getpid()}.new"
    try:
        with open(fresh, "wb", buffering=1 << 20) as file:
            file.writelines(render_record(record) for record in records)
            file.write(render_record(END))
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
        sync_folder(os.path.dirname(path))
    except OSError as error:
        raise trouble(error, "write the batch", path) from None


def read_piece(path: str) -> list[dict[str, Any]]:
    """Return the records of a piece.  Raises TornError if it is not whole, or OSError."""
    with open(path, "rb") as file:
        raw = file.read()
    records, damage = parse_records(raw, path)
    if damage or not records or records[-1] != END:
        where = f" (line {damage[0].line})" if damage else ""
        message = f"{path} is torn{where}: it is not run"
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
