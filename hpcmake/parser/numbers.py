"""Numbers and quantities as they are written in a Wfile.

Owns their form and the mends of those that are not of the form.  Knows nothing of the line that they stand in.
"""

from __future__ import annotations

import re

from hpcmake.diagnostics import Diagnostic, nearest
from hpcmake.units import DURATIONS, SIZES, UnitError, parse_duration, parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.text import Span

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_QUANTITY = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?[A-Za-z]+)+")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)([A-Za-z]+)")
_LONGEST = 100  # digits; more would be a slip of the hand, and costs quadratic time to read

_USUAL = {
    **dict.fromkeys(("sec", "secs", "second", "seconds", "S"), "s"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours", "H"), "h"),
    **dict.fromkeys(("day", "days", "D"), "d"),
    **{f"{prefix}{end}": f"{prefix.upper()}iB" for prefix in "KMGTPmgtp" for end in ("", "i", "ib", "IB")},
    **{f"{prefix}b": f"{prefix.upper()}B" for prefix in "MGTPmgtp"},
    **dict.fromkeys(("b", "byte", "bytes"), "B"),
    **dict.fromkeys(("kb", "Kb"), "kB"),
    "k": "KiB",
}
"""What people write for a unit of ours; `m` is left out, since it is one."""
del _USUAL["m"]


def find_quantity(text: str) -> str | None:
    """Return the terminal of a number or quantity, or None if it is not of the form."""
    if text.isdigit() and len(text) <= _LONGEST:
        return "NUMBER"
    if len(text) > _LONGEST:
        return None
    if _NUMBER.fullmatch(text):
        return "NUMBER"
    units = _PART.findall(text)
    if not units or not _QUANTITY.fullmatch(text):
        return None
    try:
        if units[0][1] in DURATIONS:
            parse_duration(text)
            return "DURATION"
        parse_size(text)
    except UnitError:
        return None
    return "SIZE"


def explain_quantity(span: Span) -> Diagnostic:
    """Return what is wrong with a number or quantity that is not of the form, with its mend."""
    text = span.text
    if len(text) > _LONGEST:
        return Diagnostic("E111", f"the number has over {_LONGEST} digits", span, help="write a smaller one")
    if not _QUANTITY.fullmatch(text):
        return Diagnostic("E111", f"`{text}` is not a number", span, help=_mend_number(text))
    parts = _PART.findall(text)
    wrong = next((unit for _, unit in parts if unit not in DURATIONS and unit not in SIZES), None)
    if wrong is None:
        return Diagnostic("E111", _order(text, parts), span, help="a duration is written 1h30m, a size 512MiB")
    mended = _USUAL.get(wrong) or nearest(wrong, [*SIZES, *DURATIONS])
    if wrong in ("e", "E"):
        help_ = "numbers are written out, without an exponent"
    elif mended:
        help_ = f"write `{text.replace(wrong, mended, 1)}`"
    else:
        help_ = f"durations end in {_either(DURATIONS)}, sizes in {_either(SIZES)}"
    return Diagnostic("E112", f"unknown unit `{wrong}`", span, help=help_)


def _order(text: str, parts: list[tuple[str, str]]) -> str:
    kinds = {unit in DURATIONS for _, unit in parts}
    if len(kinds) > 1:
        return f"`{text}` mixes a duration and a size"
    try:
        parse_duration(text) if kinds == {True} else parse_size(text)
    except UnitError as error:
        return str(error)
    return f"`{text}` is not a quantity"


def _mend_number(text: str) -> str:
    plain = text.replace("_", "")
    if _NUMBER.fullmatch(plain):
        return f"write `{plain}`"
    if re.fullmatch(r"0[xXoObB][0-9a-fA-F]+", text):
        try:
            return f"write `{int(text, 0)}`"
        except ValueError:
            pass
    if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?[eE][0-9]+", text):
        return "numbers are written out, without an exponent"
    if re.fullmatch(r"(?:[0-9]+[smhd])+[0-9]+", text):
        return "each part of a duration has its unit: write 1h30m"
    return "a number is written 12 or 0.25, a duration 1h30m, a size 512MiB; a name does not begin with a digit"


def _either(units: dict[str, int]) -> str:
    *most, last = units
    return f"{', '.join(most)} or {last}"
