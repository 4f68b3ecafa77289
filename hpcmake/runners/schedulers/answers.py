"""How answers of schedulers are read: which no is meant, which lines are noise, times and dates.

Owns the forms that they share.  Knows nothing of what any one of them says.
"""

from __future__ import annotations

import re
import time

from hpcmake.record import Record
from hpcmake.runners.schedulers.jobs import UNKNOWN, DoNotKnow, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST = 1000  # letters of an answer that are shown
_LONGEST_NUMBER = 15  # digits; more are a mistake, and slow to compute with


class Row(Record):
    """One line of a table of refusals: the kind of no that a text stands for.

    `sure`: the scheduler itself has said no, so the job cannot be in its queue.
    """

    pattern: re.Pattern[str]
    kind: str
    sure: bool = True


def row(kind: str, pattern: str, *, sure: bool = True) -> Row:
    """Return a line of a table; a pattern is looked for anywhere in the answer, in letters of either case.

    In it, `^` is the beginning of any line.
    """
    return Row(re.compile(pattern, re.IGNORECASE | re.MULTILINE), kind, sure)


def judge(table: Sequence[Row], text: str) -> tuple[str, bool]:
    """Return the kind of no of a text, and whether it is sure, by the first line of a table that fits."""
    for each in table:
        if each.pattern.search(text):
            return each.kind, each.sure
    return UNKNOWN, False


def silent(command: str) -> Refused:
    """Return what follows if a submission did not end in time: nobody knows what became of it."""
    return Refused("again", f"{command} did not answer", may_be_queued=True)


def said(command: str, status: int | None, out: str, err: str, noise: re.Pattern[str] | None = None) -> str:
    """Return what a command said, for people: stderr, else stdout, else its status; without lines of noise."""
    if status is None:
        return f"{command} did not answer"
    for text in (err, out):
        lines = kept_lines(text, noise)
        if lines:
            shown = "\n".join(lines)
            return shown if len(shown) <= _MOST else shown[:_MOST] + "..."
    return f"{command} said nothing, and ended with status {status}"


def kept_lines(text: str, noise: re.Pattern[str] | None = None) -> list[str]:
    """Return the lines of a text that are neither empty nor noise."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and (noise is None or not noise.search(line))]


def torn(command: str, out: str) -> DoNotKnow | None:
    """Return what follows if the last line of a table is not whole: rows may be missing then, and no job is gone."""
    if not out or out.endswith("\n"):
        return None
    return DoNotKnow(f"the answer of {command} is torn: {out.splitlines()[-1][:200]}")


# ---------------------------------------------------------------- numbers and times

_CLOCK = re.compile(r"(?:([0-9]{1,6})[-:])?(?:([0-9]{1,6}):)?([0-9]{1,6}):([0-9]{1,2})")
_CTIME = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +([0-9]{1,2}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([0-9]{4})"
    r"(?: ([+-])([0-9]{2})([0-9]{2}))?"
)
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def parse_count(text: str) -> int | None:
    """Return a whole number; None if the text is none."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else None


def parse_number(text: str) -> float | None:
    """Return a number; None if the text is none."""
    match = re.fullmatch(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?", text.strip())
    return float(match[0]) if match else None


def parse_clock(text: str) -> float | None:
    """Return the seconds of `HH:MM:SS` (hours may pass 99), `MM:SS`, `D-HH:MM:SS` or `DD:HH:MM:SS`; None for others."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return None
    days, hours, minutes, seconds = match.groups()
    if days is not None and hours is None and "-" not in text:
        days, hours = None, days
    return float(((int(days or 0) * 24 + int(hours or 0)) * 60 + int(minutes)) * 60 + int(seconds))


def parse_ctime(text: str) -> float | None:
    """Return the seconds since 1970 of `Sun Nov 22 11:44:33 2026 +0000 (UTC)`; without a zone, it is that of here."""
    match = _CTIME.match(text.strip())
    if match is None or match[1] not in _MONTHS:
        return None
    month = _MONTHS.index(match[1]) + 1
    year, day, hour, minute, second = (int(match[each]) for each in (6, 2, 3, 4, 5))
    if match[7] is None:
        return _local(year, month, day, hour, minute, second)
    ahead = (int(match[8]) * 60 + int(match[9])) * (-60 if match[7] == "-" else 60)
    return float(_days(year, month, day) * 86400 + (hour * 60 + minute) * 60 + second - ahead)


def parse_iso(text: str) -> float | None:
    """Return the seconds since 1970 of `2026-11-22T11:42:49`, in the zone of here."""
    match = _ISO.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(each) for each in match.groups())
    return _local(year, month, day, hour, minute, second)


def _local(*date: int) -> float | None:
    try:
        return time.mktime((*date, 0, 0, -1))  # type: ignore[arg-type]  # six numbers go before these three
    except (OverflowError, ValueError):
        return None


def _days(year: int, month: int, day: int) -> int:
    """Return the days from 1 January 1970 to a date."""
    year -= month <= 2  # noqa: PLR2004  # years begin in March here, so that the odd day is the last one
    before = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return year * 365 + year // 4 - year // 100 + year // 400 + before - 719468
