"""The voices that write lines and never take one back: JSON lines, plain lines, and errors only.

Owns which rows become lines.  Knows nothing of their wording.
"""

from __future__ import annotations

from hpcmake.report.spool import Spool
from hpcmake.report.summary import Account
from hpcmake.report.words import (
    began_lines,
    block,
    cut_line,
    done_line,
    failed_lines,
    gave_up_line,
    planned_line,
    printable,
    removed_line,
    start_lines,
    text_lines,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TextIO

_LONG = 10.0
"""Seconds after which a task that still runs is worth a line."""


class JsonVoice:
    """Each row as a line of JSON, as it came."""

    def __init__(self, stream: TextIO, clock: Callable[[], float], *, errors_only: bool = False) -> None:
        from json import JSONEncoder  # 10 ms to import

        # ASCII: any name can then be written to any stream, be its bytes UTF-8 or not
        self._encode = JSONEncoder(separators=(",", ":"), check_circular=False).encode
        self._spool = Spool(stream, clock)
        self._errors_only = errors_only

    def tell(self, row: Mapping[str, object]) -> None:
        """Write the row."""
        if self._errors_only and row["kind"] not in {"failed", "gave up", "summary"} and not _is_error(row):
            return
        self._spool.put(self._encode(row) + "\n")

    def tick(self) -> None:
        """Write what is held back."""
        self._spool.tick()

    def close(self) -> None:
        """Write what is held back."""
        self._spool.flush()


class PlainVoice:
    """One line an event, for pipes and log files; what runs long is named once, when it has run for ten seconds."""

    def __init__(self, stream: TextIO, clock: Callable[[], float], *, color: bool, verbose: bool) -> None:
        self._spool = Spool(stream, clock)
        self._clock = clock
        self._color = color
        self._verbose = verbose
        self._account = Account()
        self._running: dict[str, float] = {}
        """When each task began that runs and was not named yet, in the order in which they did."""

    def tell(self, row: Mapping[str, Any]) -> None:
        """Write the row in words."""
        kind = row["kind"]
        if kind == "began":
            if self._verbose:
                self._spool.put(block(began_lines(row)))
            else:
                self._running[row["task"]] = self._clock()
            return
        if kind in {"done", "failed", "cut"}:
            self._running.pop(row["task"], None)
        if kind in {"done", "failed", "gave up"}:
            self._account.tell(row)
        self._spool.put(block(self._lines(kind, row)))

    def _lines(self, kind: str, row: Mapping[str, Any]) -> list[str]:
        if kind == "done":
            return [done_line(row)]
        if kind == "failed":
            return failed_lines(row, color=self._color)
        if kind == "start":
            return start_lines(row, verbose=self._verbose)
        if kind == "summary":
            return self._account.summary_lines(row, color=self._color)
        if kind in {"note", "warning"}:
            return text_lines(row)
        if kind == "fresh":
            return [f"up to date {printable(row['task'])}"]
        one = {"cut": cut_line, "gave up": gave_up_line, "planned": planned_line, "removed": removed_line}.get(kind)
        return [one(row)] if one is not None else []

    def tick(self) -> None:
        """Write what is held back, and name what has begun to run long."""
        if self._running:
            limit = self._clock() - _LONG
            long = []
            for task, began in self._running.items():
                if began > limit:
                    break
                long.append(task)
            for task in long:
                del self._running[task]
                self._spool.put(f"running {printable(task)}\n")
        self._spool.tick()

    def close(self) -> None:
        """Write what is held back."""
        self._spool.flush()


class QuietVoice:
    """Errors only: what has failed for good, and mistakes."""

    def __init__(self, stream: TextIO, clock: Callable[[], float], *, color: bool) -> None:
        self._spool = Spool(stream, clock)
        self._color = color

    def tell(self, row: Mapping[str, Any]) -> None:
        """Write the row if it is a failure that no further attempt can mend, or tells of a mistake."""
        if row["kind"] == "failed" and not row.get("again"):
            self._spool.flush(block(failed_lines(row, color=self._color)))
        elif _is_error(row):
            self._spool.flush(block(text_lines(row)))

    def tick(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def _is_error(row: Mapping[str, Any]) -> bool:
    """Whether a row of kind `warning` tells more than warnings: it is rendered already, each with its word."""
    return row["kind"] == "warning" and ("error[" in row["text"] or "warning[" not in row["text"])
