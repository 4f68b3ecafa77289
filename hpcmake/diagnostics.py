"""What is wrong with a Wfile or a campaign, as a value, and its one renderer.

Owns Diagnostic, the catalogue of codes and the form in which mistakes are shown.  Knows nothing of how they are found.
"""

from __future__ import annotations

from hpcmake.record import Record
from hpcmake.text import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Note(Record):
    """A second place that belongs to a mistake, with what is to be seen there."""

    span: Span
    text: str


class Diagnostic(Record):
    """One mistake: a stable code, what is so, where, and one edit that would work.

    `message` is one sentence without a full stop, `label` a few words under the caret, `help` the mend.
    A code that begins with W is a warning and stops nothing.
    """

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    notes: tuple[Note, ...] = ()
    help: str = ""

    @property
    def is_warning(self) -> bool:
        """Whether it is only a warning."""
        return self.code.startswith("W")


class Trouble(Exception):
    """Mistakes of the user, told all at once; the one exception that is shown without a traceback.

    `exit_status` is that of `hpcmake` when nothing else is to be done: 2 for usage, Wfile or plan, 1 for a task.
    """

    def __init__(self, *diagnostics: Diagnostic, exit_status: int = 2) -> None:
        super().__init__("; ".join(f"{each.code} {each.message}" for each in diagnostics))
        self.diagnostics = diagnostics
        self.exit_status = exit_status


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word most like this one, or None if none is like it."""
    candidates = sorted(set(known))
    if word in candidates:
        return word
    from difflib import get_close_matches  # only mistakes need it

    close = get_close_matches(word, candidates, n=1, cutoff=0.6)
    if not close:
        folded = {each.lower(): each for each in candidates}
        close = [folded[each] for each in get_close_matches(word.lower(), folded, n=1, cutoff=0.6)]
    return close[0] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean X?` in words, or the empty text if nothing is near."""
    close = nearest(word, known)
    return f"did you mean `{close}`?" if close else ""


def render_all(diagnostics: Iterable[Diagnostic], *, color: bool = False) -> str:
    """Return diagnostics as text for people, in the order of their places, without repetitions."""
    ordered = sorted(dict.fromkeys(diagnostics), key=_place)
    return "\n".join(render(each, color=color) for each in ordered)


def _place(diagnostic: Diagnostic) -> tuple[str, int]:
    span = diagnostic.span
    return ("", -1) if span is None else (span.source.name, span.start)


_WIDTH = 160  # a longer line of the source is shown in part


def render(diagnostic: Diagnostic, *, color: bool = False) -> str:
    """Return one diagnostic as text: what is so, the line with a caret, second places, the mend; each line ended."""
    red, yellow, blue, bold, off = ("\33[31m", "\33[33m", "\33[34m", "\33[1m", "\33[0m") if color else ("",) * 5
    tone, word = (yellow, "warning") if diagnostic.is_warning else (red, "error")
    lines = [f"{tone}{bold}{word}[{diagnostic.code}]{off}{bold}: {diagnostic.message}{off}"]
    places: list[tuple[Span, str, str]] = []
    if diagnostic.span is not None:
        places.append((diagnostic.span, diagnostic.label, "^"))
    places += [(note.span, note.text, "-") for note in diagnostic.notes]
    gutter = max((len(str(span.source.place(span.start)[0])) for span, _, _ in places), default=0)
    shown: str | None = None
    for span, label, mark in places:
        number, _ = span.source.place(span.start)
        if mark == "^":
            lines.append(f"{' ' * gutter}{blue}-->{off} {span.place()}")
        elif span.source.name != shown:
            lines.append(f"{' ' * gutter}{blue}:::{off} {span.place()}")
        shown = span.source.name
        text, indent, width = _excerpt(span)
        lines.append(f"{blue}{number:>{gutter}} |{off} {text}".rstrip())
        lines.append(f"{' ' * gutter} {blue}|{off} {' ' * indent}{tone}{mark * width}{off} {label}".rstrip())
    for index, line in enumerate(diagnostic.help.splitlines()):
        lead = "help:" if index == 0 else "     "
        lines.append(f"{' ' * gutter} {blue}={off} {lead} {line}" if places else f"  {lead} {line}")
    return "\n".join(lines) + "\n"


def _excerpt(span: Span) -> tuple[str, int, int]:
    """Return the line to show, the columns before the caret, and the caret's width; all for printing."""
    number, column = span.source.place(span.start)
    line = span.source.line(number)
    start = column - 1
    end = max(start + 1, min(start + span.end - span.start, len(line)))
    cut = 0
    if len(line) > _WIDTH:
        cut = max(0, start - _WIDTH // 4)
        line = ("..." if cut else "") + line[cut : cut + _WIDTH] + "..."
        cut -= 3 if cut else 0
    before = _printable(line[: start - cut])
    marked = _printable(line[start - cut : end - cut])
    return _printable(line), _columns(before), max(1, _columns(marked))


def _printable(text: str) -> str:
    return "".join("    " if c == "\t" else c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width  # seldom needed

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def plain(diagnostics: Sequence[Diagnostic]) -> list[dict[str, object]]:
    """Return diagnostics as values for JSON."""
    rows: list[dict[str, object]] = []
    for each in diagnostics:
        row: dict[str, object] = {
            "kind": "warning" if each.is_warning else "error",
            "code": each.code,
            "message": each.message,
        }
        if each.span is not None:
            line, column = each.span.source.place(each.span.start)
            row |= {"file": each.span.source.name, "line": line, "column": column}
        if each.help:
            row["help"] = each.help
        rows.append(row)
    return rows
