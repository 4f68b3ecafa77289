"""A Wfile in its canonical form: what `hpcmake fmt` writes.

Owns indentation, blank lines and the alignment of named items; shell text, strings and comments stay letter by letter.
Knows nothing of what the Wfile means: only spaces, line ends and commas at the end of a line change.
"""

from __future__ import annotations

from hpcmake.parser.lexer import Lexer
from hpcmake.parser.spacing import STEP, render_line
from hpcmake.parser.tokens import Raw

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpcmake.parser.spacing import Physical
    from hpcmake.parser.tokens import Line, Token
    from hpcmake.syntax import Comment, Wfile

_STRUCTURE = ("_INDENT", "_DEDENT", "_NEWLINE")


class _Entry:
    """A logical line or a comment of its own, as it is to be written."""

    __slots__ = ("blank", "comment", "first", "level", "lines", "named")

    def __init__(self, level: int, lines: list[Physical], *, blank: bool, comment: bool, named: bool = False) -> None:
        self.level = level
        self.lines = lines
        self.blank = blank  # whether a blank line stands above it in the source
        self.comment = comment
        self.named = named
        self.first = False  # whether it is the first of a block


def render(tree: Wfile) -> str:
    """Return the canonical text of a tree that `parse` made.

    Parsed again it gives an equal tree, rendered again itself.  Comments and the redundancy that helps readers
    (parentheses, the quotes of a string) are taken from the tree's source.
    """
    entries = list(_Reading(tree).entries())
    _align(entries)
    written: list[str] = []
    for entry, blank in zip(entries, _blanks(entries), strict=True):
        if blank:
            written.append("")
        written += [line.text.rstrip() if entry.comment else line.text for line in entry.lines]
    return "\n".join(written) + "\n" if written else ""


class _Reading:
    """Goes once through the lines and comments of a source."""

    def __init__(self, tree: Wfile) -> None:
        self.text = tree.source.text
        self.lexer = Lexer(tree.source)
        self.widths = [0]  # the indentation of each block around the line that was read last
        self.done = 0  # offset behind what has been written
        self.comments: list[Comment] = self.lexer.comments
        self.used = 0  # comments that have been written

    def entries(self) -> Iterator[_Entry]:
        """Yield what is to be written, in order."""
        for line in self.lexer.lines():
            tokens = [token for token in line.tokens if token[0] not in _STRUCTURE]
            if not tokens:
                continue  # what is closed at the end of the text
            start = tokens[0][1]
            yield from self._above(start, line.level)
            self._enter(line.level, start)
            yield self._line(line, tokens)
        yield from self._above(len(self.text), 0)

    def _above(self, end: int, level: int) -> Iterator[_Entry]:
        """Yield the comments that stand in front of `end`, a line at `level`."""
        from hpcmake.parser.spacing import Physical

        while self.used < len(self.comments) and self.comments[self.used].span.start < end:
            comment = self.comments[self.used]
            self.used += 1
            column = comment.span.start - (self.text.rfind("\n", 0, comment.span.start) + 1)
            deepest = max((index for index, width in enumerate(self.widths) if width <= column), default=0)
            mine = max(level, deepest)
            blank = self._blank(comment.span.start)
            self.done = comment.span.end
            yield _Entry(mine, [Physical(" " * (STEP * mine) + comment.text, -1)], blank=blank, comment=True)

    def _blank(self, start: int) -> bool:
        return self.text.count("\n", self.done, start) > (1 if self.done else 0)

    def _enter(self, level: int, start: int) -> None:
        column = start - (self.text.rfind("\n", 0, start) + 1)
        del self.widths[level:]
        self.widths.append(column)

    def _line(self, line: Line, tokens: list[Token]) -> _Entry:
        blank = self._blank(tokens[0][1])
        end = tokens[-1][2]
        value = tokens[-1][3]
        if isinstance(value, Raw):
            self.done = end
            return _Entry(line.level, _shell(self.text, tokens, value, line.level), blank=blank, comment=False)
        stop = self.text.find("\n", end)
        stop = len(self.text) if stop < 0 else stop
        remarks: list[tuple[int, int, bool]] = []
        while self.used < len(self.comments) and self.comments[self.used].span.start < stop:
            comment = self.comments[self.used]
            remarks.append((comment.span.start, comment.span.end, comment.own_line))
            self.used += 1
        self.done = stop
        kinds = [token[0] for token in tokens[:2]]
        lines = render_line(self.text, tokens, remarks, line.level)
        return _Entry(line.level, lines, blank=blank, comment=False, named=kinds == ["NAME", "_EQUAL"])


def _shell(text: str, tokens: list[Token], raw: Raw, level: int) -> list[Physical]:
    """Return the lines of shell text with its head: on the line of its colon what stands there in the source."""
    from hpcmake.parser.spacing import Physical

    colon = tokens[-2]
    words = " ".join(str(token[3]) for token in tokens[:-2])
    head = f"{' ' * (STEP * level)}{words}:"
    lines = raw.text.removesuffix("\n").split("\n")
    if "\n" not in text[colon[2] : raw.lines[0]]:
        head += f" {lines.pop(0)}"
    margin = " " * (STEP * (level + 1))
    return [Physical(head, -1), *(Physical(margin + line if line else "", -1) for line in lines)]


def _align(entries: list[_Entry]) -> None:
    """Put the `=` of named items that stand line below line into one column."""
    group: list[_Entry] = []
    for entry in [*entries, None]:
        if entry is not None and entry.named and (not group or (entry.level == group[0].level and not entry.blank)):
            group.append(entry)
            continue
        column = max((each.lines[0].equal for each in group), default=0)
        for each in group:
            first = each.lines[0]
            first.text = first.text[: first.equal] + " " * (column - first.equal) + first.text[first.equal :]
        group = [entry] if entry is not None and entry.named else []


def _blanks(entries: list[_Entry]) -> Iterator[bool]:
    """Yield for each entry whether a blank line stands above it.

    One around each statement with a block, with the comments that belong to it; elsewhere one where the source has any.
    """
    heads = [index for index, entry in enumerate(entries) if entry.level == 0]
    blocks: set[int] = set()  # statements with a block, and the comments straight above them
    for index, following in zip(heads, [*heads[1:], len(entries)], strict=False):  # no heads, no end
        if entries[index].comment or (following == index + 1 and len(entries[index].lines) == 1):
            continue
        blocks.add(index)
        while index > 0 and entries[index - 1].comment and entries[index - 1].level == 0 and not entries[index].blank:
            index -= 1  # noqa: PLW2901  # upwards through its comments
            blocks.add(index)
    behind_block = False
    for index, entry in enumerate(entries):
        if index == 0:
            yield False
        elif entry.level > 0:
            yield entry.blank and entries[index - 1].level >= entry.level
        else:
            above = entries[index - 1]
            attached = above.comment and above.level == 0 and not entry.blank
            begins = index in blocks and not attached
            yield entry.blank or begins or (behind_block and not attached)
        if entry.level == 0 and not entry.comment:
            behind_block = index in blocks
        elif entry.level == 0:
            behind_block = False
