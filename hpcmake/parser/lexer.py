"""Text of a Wfile to logical lines of tokens.

Owns indentation, blank lines and comments, and knows which lines belong to the shell.
Knows nothing of what may follow what: that is the grammar's.
"""

from __future__ import annotations

import re

from hpcmake.diagnostics import Diagnostic
from hpcmake.parser.scan import Scanner
from hpcmake.parser.shell import read_shell
from hpcmake.parser.tokens import FLAW, Line, spaces
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpcmake.parser.tokens import Token

_MARGIN = re.compile(r"([ \t]*+)(?:(#[^\n]*+)?\r?(?:\n|\Z))?")
_SHELL = re.compile(r"(run|post|setup)\b((?:[ \t]++[^\s:\"',=()\[\]]++)*+)[ \t]*+:")
_SHELL_WITHOUT_COLON = re.compile(r"(run|post|setup)[ \t]*+\r?(?:\n|\Z)")
_WORD = re.compile(r"\S+")


class Lexer(Scanner):
    """Reads one source, line by line; afterwards `comments` and `diagnostics` are complete."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._indents = [0]
        self._odd = -1  # an uneven indentation that has been told
        self._tabs: list[Span] = []
        self._end = 0  # where the last token ended: blocks end there too

    def lines(self) -> Iterator[Line]:
        """Yield the logical lines; in one that holds a mistake the first token is a FLAW."""
        text, size, at = self.text, len(self.text), 0
        if text.startswith("\ufeff"):
            at = 1
        while at < size:
            found = _MARGIN.match(text, at)
            if found is None:  # never: all of it is optional
                break
            start = found.end(1)
            if found.end() > start or start == size:
                if found[2]:
                    self.comment(start, found.end(2), own_line=True)
                at = found.end()
                continue
            tokens: list[Token] = []
            width = self._indent(at, start, tokens)
            changes = len(tokens)
            level = len(self._indents) - 1
            at = self._read(start, width, level, tokens)
            if self.flawed:
                tokens.insert(changes, (FLAW, start, start, ""))
            self._end = tokens[-1][2]
            yield Line(level, tokens)
        closing: list[Token] = [("_DEDENT", self._end, self._end, "")] * (len(self._indents) - 1)
        self._tell_tabs()
        if closing:
            yield Line(0, closing)

    def _read(self, start: int, width: int, level: int, tokens: list[Token]) -> int:
        """Append the tokens of the line that begins at `start`, and return where the next one begins."""
        found = _SHELL.match(self.text, start)
        if found is not None:
            return self._shell(found, width, tokens)
        bare = _SHELL_WITHOUT_COLON.match(self.text, start) if level else None
        if bare is not None:
            raw, _, after = read_shell(self, bare.end(1), width)
            if raw.text:
                self.flaw("E115", f"`{bare[1]}` needs a colon", self.span(*bare.span(1)), mend=f"write `{bare[1]}:`")
                tokens.append(("_NEWLINE", bare.end(1), bare.end(1), ""))
                return after
        return self.scan(start, width, level, tokens)

    def _shell(self, found: re.Match[str], width: int, tokens: list[Token]) -> int:
        """Append the tokens of `run:`, `post:` or `setup:` with its text."""
        self.flawed = False
        raw, end, after = read_shell(self, found.end(), width)
        tokens.append(("SHELL", *found.span(1), found[1]))
        offset = found.start(2)
        tokens += [("WORD", offset + word.start(), offset + word.end(), word[0]) for word in _WORD.finditer(found[2])]
        tokens.append(("_COLON", found.end() - 1, found.end(), ":"))
        if found[1] != "run" and found[2]:
            first, last = tokens[-1 - len(found[2].split())][1], tokens[-2][2]
            self.flaw(
                "E120",
                f"`{found[1]}` is always shell text",
                self.span(first, last),
                "only `run` takes an interpreter",
                mend=f"write `{found[1]}:`, and start the program in its text",
            )
        if not raw.text and not self.flawed:
            self.flaw(
                "E116",
                f"`{found[1]}` has no text",
                self.span(*found.span(1)),
                mend=f"write the command behind `{found[1]}:`, or on indented lines below it",
            )
        tokens += [("BLOCK", raw.lines[0] if raw.lines else end, end, raw), ("_NEWLINE", end, end, "")]
        return after

    def tab(self, start: int, end: int) -> None:
        """Note a tab in the indentation `start` to `end`: told once, with the number of lines."""
        at = self.text.index("\t", start, end)
        run = len(self.text[at:end]) - len(self.text[at:end].lstrip("\t"))
        self._tabs.append(self.span(at, at + run))

    def _tell_tabs(self) -> None:
        if not self._tabs:
            return
        more = len(self._tabs) - 1
        help_ = "indent with spaces: `expand -t 4` turns tabs into them"
        if more:
            help_ += f"\n({more} more {'line begins' if more == 1 else 'lines begin'} with a tab)"
        message = "there is a tab in the indentation"
        self.diagnostics.append(Diagnostic("E101", message, self._tabs[0], help=help_))

    def _indent(self, line: int, start: int, tokens: list[Token]) -> int:
        """Append what the indentation of a line opens and closes, and return its width."""
        margin = self.text[line:start]
        if "\t" in margin:
            self.tab(line, start)
            margin = margin.expandtabs()
        width, indents = len(margin), self._indents
        if width == indents[-1]:
            return width
        if width > indents[-1]:
            indents.append(width)
            tokens.append(("_INDENT", line, start, margin))
            self._odd = -1
            return width
        inner = indents[-1]
        while indents[-1] > width:
            inner = indents.pop()
            tokens.append(("_DEDENT", self._end, self._end, ""))
        if indents[-1] != width:
            if width != self._odd:
                self._uneven(line, start, width, inner)
            self._odd = width
            indents.append(inner)  # taken for a line of the inner block
            tokens.pop()
        return width

    def _uneven(self, line: int, start: int, width: int, inner: int) -> None:
        outer = self._indents[-1]
        message = f"the line is indented by {spaces(width)}: its block by {inner}, the one around it by {outer}"
        self.diagnostics.append(
            Diagnostic("E102", message, self.span(line, start), help=f"indent it by {inner} or by {outer}")
        )
