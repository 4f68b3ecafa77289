"""Where a piece of text came from.

Owns Source (a text with a name) and Span (a stretch of it).  Knows nothing of what the text says.
"""

from __future__ import annotations

from hpcmake.record import Record


class Source:
    """A text and the name under which a user knows it: a path as it was given, or a word such as `-D`."""

    __slots__ = ("_starts", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._starts: list[int] | None = None

    def __reduce__(self) -> tuple[type[Source], tuple[str, str]]:
        return (Source, (self.name, self.text))

    def __repr__(self) -> str:
        return f"Source({self.name!r}, {len(self.text)} characters)"

    def starts(self) -> list[int]:
        """Return the offset at which each line begins."""
        if self._starts is None:
            starts = [0]
            find = self.text.find
            at = find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = find("\n", at + 1)
            self._starts = starts
        return self._starts

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column, both from 1, of an offset in characters."""
        from bisect import bisect_right  # only errors ask for places

        line = bisect_right(self.starts(), offset)
        return line, offset - self.starts()[line - 1] + 1

    def line(self, number: int) -> str:
        """Return a line, counted from 1, without its end."""
        starts = self.starts()
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r")


class Span(Record):
    """The characters `start` to `end` (exclusive) of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The characters themselves."""
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """Return the span from the start of this one to the end of another of the same source."""
        return Span(self.source, self.start, other.end)

    def place(self) -> str:
        """Return `name:line:column`, as compilers print it."""
        line, column = self.source.place(self.start)
        return f"{self.source.name}:{line}:{column}"
