"""How tables and texts of a forecast are laid out in 80 columns, and how amounts are written.

Owns this layout.  Knows nothing of what is told.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WIDTH = 80
_PIECES = 3
"""In so many pieces a line of a command is shown at most."""


def hours(amount: float) -> str:
    """Return node-hours for people: with one digit behind the point where they are few."""
    if 0 < amount < 0.05:  # noqa: PLR2004
        return "< 0.1"
    return f"{amount:.1f}" if amount < 100 else f"{amount:.0f}"  # noqa: PLR2004


def tasks(count: int) -> str:
    """Return a number of tasks: `1 task`, `2 tasks`."""
    return "1 task" if count == 1 else f"{count} tasks"


def continued(line: str) -> list[str]:
    """Return a line of shell text in pieces that a terminal holds, continued as in a script."""
    from textwrap import wrap

    keep = {"break_long_words": False, "break_on_hyphens": False, "replace_whitespace": False}
    pieces = wrap(line, WIDTH - 6, subsequent_indent="    ", **keep)  # type: ignore[arg-type]
    if len(pieces) > _PIECES:
        return [pieces[0] + " \\", f"    … ({len(line)} letters)"]
    return [*(piece + " \\" for piece in pieces[:-1]), *pieces[-1:]]


def wrapped(text: str, *, lead: str = "") -> Iterator[str]:
    """Yield a text in lines that leave room for an indentation of two."""
    from textwrap import wrap

    lines = wrap(text, WIDTH - 2 - len(lead), break_long_words=False, break_on_hyphens=False)
    for at, line in enumerate(lines):
        yield (lead if at == 0 else " " * len(lead)) + line


def table(rows: Sequence[Sequence[str]], *, right: Iterable[int]) -> Iterator[str]:
    """Yield the lines of a table; the columns in `right` are those of numbers."""
    right = set(right)
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if at in right else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
