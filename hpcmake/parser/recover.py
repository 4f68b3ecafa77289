"""All mistakes of a text that is no Wfile: it is taken apart by its indentation, and each part is read by itself.

Owns where reading goes on behind a mistake.  Knows nothing of what to say about one.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic
from hpcmake.parser.build import Builder
from hpcmake.parser.explain import explain
from hpcmake.parser.explain_lines import explain_indent
from hpcmake.parser.grammar import load_tables
from hpcmake.parser.lexer import Lexer
from hpcmake.parser.mistake import Mistake
from hpcmake.parser.tables import Unexpected
from hpcmake.parser.tokens import FLAW, MISTAKES_AT_MOST, Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.parser.tokens import Token
    from hpcmake.text import Source

_STRUCTURE = ("_INDENT", "_DEDENT", FLAW)


def find_mistakes(source: Source) -> list[Diagnostic]:
    """Return every mistake of a text, in the order of their places; a hundred at most."""
    lexer = Lexer(source)
    lines = [line for line in lexer.lines() if line.tokens[-1][0] != "_DEDENT"]
    found = _Recovery(source, lines)
    found.parts(0, len(lines), 0, "statement")
    everything = dict.fromkeys([*lexer.diagnostics, *found.diagnostics])
    return sorted(everything, key=lambda each: each.span.start if each.span else 0)[:MISTAKES_AT_MOST]


class _Recovery:
    """Reads parts of a text by themselves."""

    def __init__(self, source: Source, lines: list[Line]) -> None:
        self.source = source
        self.lines = lines
        self.tables = load_tables()
        self.diagnostics: list[Diagnostic] = []

    def parts(self, first: int, end: int, level: int, start: str) -> None:
        """Read the lines `first` to `end`, each at `level` with what is indented below it, as `start`."""
        while first < end and len(self.diagnostics) < MISTAKES_AT_MOST:
            after = first + 1
            while after < end and self.lines[after].level > level:
                after += 1
            self._part(first, after, level, start)
            first = after

    def _part(self, first: int, end: int, level: int, start: str) -> None:
        line = self.lines[first]
        if line.level > level:  # nothing stands above it that it could belong to
            self.diagnostics.append(explain_indent(self.source, line))
            return
        head = Line(level, [token for token in line.tokens if token[0] not in _STRUCTURE])
        flawed = any(token[0] == FLAW for token in line.tokens)
        below = _below(head, start)
        told = len(self.diagnostics)
        mistake: Mistake | None = None
        if not flawed:
            try:
                self._run(head, first, end, start)
            except Unexpected as error:
                mistake = Mistake(self.source, error, head, start)
            else:
                return
            if error_in_head := mistake.in_head:
                self.diagnostics.append(explain(mistake))
            if mistake.is_indent:
                return
        else:
            error_in_head = True
        if start != "items_line":
            self.parts(first + 1, end, level + 1, below)
        if mistake is not None and not mistake.told and not error_in_head and len(self.diagnostics) == told:
            self.diagnostics.append(explain(mistake))

    def _run(self, head: Line, first: int, end: int, start: str) -> None:
        diagnostics: list[Diagnostic] = []
        last = self.lines[end - 1]
        at = last.tokens[-1][2]
        closing: list[Token] = [("_DEDENT", at, at, "")] * (last.level - head.level)
        chunk = [head, *self.lines[first + 1 : end]]
        if closing:
            chunk.append(Line(head.level, closing))
        self.tables.run(start, chunk, Builder(self.source, diagnostics))
        self.diagnostics += diagnostics


def _below(head: Line, start: str) -> str:
    """Return as what the lines below a head are read."""
    kind, _, _, word = head.tokens[0]
    if start == "statement":
        return "items_line" if kind == "_TARGET" else "member"
    return "member" if word == "rule" and head.level == 1 else "items_line"  # a rule in a block that is none
