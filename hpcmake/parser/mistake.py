"""A token that may not stand where it does, and what is around it.

Owns the questions that explanations ask.  Knows nothing of their answers.
"""

from __future__ import annotations

from hpcmake.braces import shorten
from hpcmake.diagnostics import Diagnostic
from hpcmake.parser.tokens import FLAW
from hpcmake.text import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.parser.tables import Unexpected
    from hpcmake.parser.tokens import Line
    from hpcmake.text import Source


class Mistake:
    """A token that was not expected, and the line at the head of what was being read."""

    def __init__(self, source: Source, error: Unexpected, head: Line, start: str) -> None:
        self.source = source
        self.kind, self.first, self.end, _ = error.token
        self.told = self.kind == FLAW  # by the lexer
        self.expected = error.expected
        self.behind = error.behind
        self.head = head
        self.start = start
        kinds = [token[0] for token in head.tokens]
        self.place = next((index for index, token in enumerate(head.tokens) if token is error.token), len(kinds))
        self.kinds = kinds
        self.empty = "_INDENT" in error.expected and error.behind is not None and error.behind[0] == "_NEWLINE"
        self.is_indent = self.kind == "_INDENT" and error.behind is head.tokens[-1]
        self.in_head = self.place < len(kinds) or self.is_indent or (self.empty and error.behind is head.tokens[-1])

    @property
    def span(self) -> Span:
        """Where the token stands; the end of a line has no width."""
        return Span(self.source, self.first, self.end)

    @property
    def text(self) -> str:
        """The token as it is written."""
        return self.source.text[self.first : self.end]

    def word(self, index: int) -> str:
        """Return a token of the head as it is written, or the empty text behind its end."""
        if index >= len(self.head.tokens):
            return ""
        _, start, end, _ = self.head.tokens[index]
        return self.source.text[start:end]

    def rest(self) -> list[str]:
        """Return the tokens of the head behind this one, as they are written."""
        return [self.word(index) for index in range(self.place + 1, len(self.kinds))]

    def kind_at(self, index: int) -> str:
        """Return the terminal of a token of the head, or the empty text outside it."""
        return self.kinds[index] if 0 <= index < len(self.kinds) else ""

    def between(self, first: int, last: int) -> Span:
        """Return the place of the tokens `first` to `last` of the head."""
        return Span(self.source, self.head.tokens[first][1], self.head.tokens[last][2])

    def say(self, code: str, message: str, help_: str, span: Span | None = None, label: str = "") -> Diagnostic:
        """Return the diagnostic."""
        return Diagnostic(code, message, span or self.span, label, help=help_)

    @property
    def behind_text(self) -> str:
        """The token in front of this one, as it is written and as a message shows it."""
        return "" if self.behind is None else shorten(self.source.text[self.behind[1] : self.behind[2]].strip())

    @property
    def bracket(self) -> str:
        """The terminal of the innermost bracket around this token, or the empty text."""
        opened: list[str] = []
        for kind in self.kinds[: self.place]:
            if kind in ("_LPAR", "_LSQB"):
                opened.append(kind)
            elif kind in ("_RPAR", "_RSQB") and opened:
                opened.pop()
        return opened[-1] if opened else ""


def either(words: list[str]) -> str:
    """Return words as a choice in a sentence."""
    shown = [word if word.startswith(("`", "a ", "the ")) else f"`{word}`" for word in words]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"
