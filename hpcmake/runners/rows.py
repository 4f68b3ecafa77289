"""What travels between a driver and a node program: rows of work down, answers up, each a line of JSON.

Owns how attempts become rows, and lines become answers and ends.  Knows nothing of what carries them.
"""

from __future__ import annotations

import json

from hpcmake.model import Ended
from hpcmake.runners.node.output import OWN, TOGETHER
from hpcmake.runners.node.task import DEFAULTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hpcmake.model import Attempt, Stamp


ABOUT_ATTEMPTS = frozenset("besuc")
"""The kinds of answers whose second value is the number of an attempt."""


def render_row(attempt: Attempt, *, is_leg: bool = False) -> list[Any]:
    """Return an attempt as the row that the node reads, without the defaults at its end.

    `is_leg`: its post follows elsewhere, which may make what the run lacks.
    """
    resources = attempt.resources
    row = [
        attempt.id,
        attempt.argv,
        attempt.outputs,
        attempt.folders,
        resources.cores,
        resources.memory,
        resources.gpus,
        resources.time,
        attempt.script,
        attempt.interpreter,
        attempt.post,
        attempt.only_post,
        dict(attempt.env),
        attempt.log,
        resources.cores_per_rank if resources.width else 0,
        2 if attempt.holds and is_leg else int(attempt.holds),
        attempt.needs,
    ]
    end = len(row)
    while end and row[end - 1] == DEFAULTS[end - 1]:
        end -= 1
    return row[:end]


class Lines:
    """Makes answers of what comes up, in pieces that end anywhere; what is no answer is kept as `strays`."""

    def __init__(self) -> None:
        self.part = b""
        self.strays: list[bytes] = []

    def take(self, chunk: bytes) -> list[list[Any]]:
        """Return the answers that are complete now."""
        complete, newline, rest = chunk.rpartition(b"\n")
        if not newline:
            self.part += chunk
            return []
        text, self.part = self.part + complete, rest
        try:
            whole = "[" + text.decode().replace("\n", ",") + "]"
            rows, end = _decode(whole)  # one call for all lines costs half as much
            if end < len(whole):
                rows = self._one_by_one(text.split(b"\n"))
        except ValueError:
            rows = self._one_by_one(text.split(b"\n"))
        return [row for row in rows if type(row) is list and row] if rows else []

    def _one_by_one(self, lines: list[bytes]) -> list[Any]:
        rows = []
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if type(row) is list and row:
                rows.append(row)
            else:  # not ours: what something else has written
                self.strays.append(line)
        return rows


_decode = json.JSONDecoder().raw_decode
_encode = json.JSONEncoder(separators=(",", ":")).encode


def render_line(words: object) -> bytes:
    """Return a line of what is said."""
    return _encode(words).encode() + b"\n"


def parse_end(
    row: list[Any], stamps: list[Any] | None, *, node: str, logs: str, own: str | None, at: float | None = None
) -> Ended:
    """Return the end that an answer tells.

    `stamps` came before it, `logs` is what names of the node's logs begin with, `own` the attempt's own log, `at` the
    time on our clock (None: as the node says).  As node/__init__.py says: slot -1 is `own`, -2 the log of the node.
    Raises ValueError, TypeError or IndexError if it is none.
    """
    _, number, status, why, wall, cpu, rss, told, place, strays, *flat = row
    if stamps:
        flat = stamps + flat
    found: tuple[Stamp | None, ...] = ()
    if flat:
        pairs = zip(flat[::2], flat[1::2], strict=True)
        found = tuple([None if mtime is None else (mtime, size) for mtime, size in pairs])
    log = None
    if place:
        slot, offset, length = place
        log = (own if own and slot == OWN else f"{logs}.{'out' if slot == TOGETHER else slot}", offset, length)
    return Ended(number, status, why, wall, cpu, rss, told if at is None else at, node, log, found, strays)
