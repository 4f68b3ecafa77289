"""Durations and sizes in site files, with an edit that would mend each that is wrong.

Owns what people write in place of our units.  Knows nothing of keys and tables.
"""

from __future__ import annotations

import re

from hpcmake.diagnostics import nearest
from hpcmake.units import DURATIONS, SIZES, UnitError, parse_duration, parse_size, render_duration

_CLOCK = re.compile(r"([0-9]{1,4}):([0-5][0-9]):([0-5][0-9])")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_LONGEST = 40  # no quantity has so many signs, and numbers without end are slow
_WORDS = {
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
}


class WrongQuantity(ValueError):
    """A quantity that cannot be read, and `mend`, what could stand in its place ("" if nobody knows)."""

    def __init__(self, message: str, mend: str) -> None:
        super().__init__(message)
        self.mend = mend


def parse_seconds(text: str) -> float:
    """Return the seconds of a duration.  Raises WrongQuantity."""
    try:
        return parse_duration(_short(text))
    except UnitError as problem:
        raise WrongQuantity(str(problem), _mended_duration(text, problem.unit)) from None


def parse_bytes(text: str) -> int:
    """Return the bytes of a size.  Raises WrongQuantity."""
    try:
        return parse_size(_short(text))
    except UnitError as problem:
        raise WrongQuantity(str(problem), _mended_size(text, problem.unit)) from None


def _short(text: str) -> str:
    if len(text) > _LONGEST:
        message = "no quantity is so long"
        raise UnitError(message)
    return text


def _mended_duration(text: str, unit: str | None) -> str:
    clock = _CLOCK.fullmatch(text)
    if clock:
        return render_duration(int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3]))
    if _NUMBER.fullmatch(text):
        return text + "s"
    if unit == "ms" and _NUMBER.fullmatch(text[:-2]):
        return f"{float(text[:-2]) / 1000:g}s"
    joined = text.replace(" ", "").lower()
    for word, short in sorted(_WORDS.items(), key=lambda pair: -len(pair[0])):
        joined = re.sub(rf"(?<=[0-9]){word}(?![a-z])", short, joined)
    return _readable(joined, parse_duration) or _readable(_nearer(text, unit, DURATIONS), parse_duration)


def _mended_size(text: str, unit: str | None) -> str:
    if _NUMBER.fullmatch(text):
        return text + "GB"
    joined = text.replace(" ", "")
    return _readable(joined, parse_size) or _readable(_nearer(joined, unit, SIZES), parse_size)


def _nearer(text: str, unit: str | None, units: dict[str, int]) -> str:
    close = nearest(unit, units) if unit else None
    return text.replace(unit, close) if unit and close else ""


def _readable(text: str, parse: object) -> str:
    """Return the text if it can be read, else the empty one."""
    assert callable(parse)  # noqa: S101  # one of two functions of ours
    try:
        parse(_short(text))
    except UnitError:
        return ""
    return text
