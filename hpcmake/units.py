"""Durations and sizes: reading and printing them.

Owns the units of the language, the command line and the site files: one reader and one printer of each.
Knows nothing of where they stand.
"""

from __future__ import annotations

import re

DURATIONS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
"""Seconds in each unit of time."""

SIZES = {
    "B": 1,
    **{prefix + "B": 1000**power for power, prefix in enumerate("kMGTP", 1)},
    "KB": 1000,
    **{prefix + "iB": 1024**power for power, prefix in enumerate("KMGTP", 1)},
}
"""Bytes in each unit of size."""

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)([A-Za-z]+)")


class UnitError(ValueError):
    """A quantity that cannot be read; `unit` is the word that is not a unit, if that is the reason."""

    def __init__(self, message: str, unit: str | None = None) -> None:
        super().__init__(message)
        self.unit = unit


def parse_duration(text: str) -> int | float:
    """Return the seconds of a duration such as `90s`, `1h30m` or `2d`.

    Raises UnitError if it is not one, or if its units do not fall from left to right.
    """
    parts = _parts(text, DURATIONS, "a duration is written 90s, 30m, 2h, 1h30m or 1d")
    sizes = [DURATIONS[unit] for _, unit in parts]
    if any(a <= b for a, b in zip(sizes, sizes[1:], strict=False)):
        message = f"the units of `{text}` do not fall from left to right"
        raise UnitError(message)
    return _sum(parts, DURATIONS)


def parse_size(text: str) -> int:
    """Return the bytes of a size such as `512MiB` or `4GB`.  Raises UnitError if it is not one."""
    parts = _parts(text, SIZES, "a size is written 512MiB, 4GB or 100kB")
    if len(parts) > 1:
        message = f"`{text}` has more than one unit"
        raise UnitError(message)
    return int(_sum(parts, SIZES))


def _parts(text: str, units: dict[str, int], form: str) -> list[tuple[str, str]]:
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        message = f"`{text}` is not a quantity: {form}"
        raise UnitError(message)
    for _, unit in parts:
        if unit not in units:
            message = f"unknown unit `{unit}` in `{text}`: {form}"
            raise UnitError(message, unit)
    return parts


def _sum(parts: list[tuple[str, str]], units: dict[str, int]) -> int | float:
    if all("." not in number for number, _ in parts):
        return sum(int(number) * units[unit] for number, unit in parts)
    from fractions import Fraction  # seldom needed, and slow to import

    exact = sum(Fraction(number) * units[unit] for number, unit in parts)
    return int(exact) if exact == int(exact) else float(exact)


def render_duration(seconds: float) -> str:
    """Return a duration in at most two units, for people: `0.25s`, `12s`, `1m30s`, `2h05m`, `3d4h`.

    >>> render_duration(5400)
    '1h30m'
    """
    if seconds < 0:
        return "-" + render_duration(-seconds)
    if seconds < 10 and seconds != int(seconds):  # noqa: PLR2004  # below ten seconds the fractions matter
        return f"{seconds:.2g}s" if seconds >= 0.01 else "0s"  # noqa: PLR2004
    whole = round(seconds)
    days, hours, minutes, rest = whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    if days:
        return f"{days}d{hours}h" if hours else f"{days}d"
    if hours:
        return f"{hours}h{minutes:02}m" if minutes else f"{hours}h"
    if minutes:
        return f"{minutes}m{rest:02}s" if rest else f"{minutes}m"
    return f"{rest}s"


def render_size(count: float) -> str:
    """Return a size in bytes for people, in binary units: `1.9 GiB`."""
    from humanfriendly import format_size  # slow to import: only when something is shown

    return str(format_size(count, binary=True))
