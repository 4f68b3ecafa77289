"""The canonical text of one logical line: spaces between tokens, and the indentation of lines inside brackets.

Owns where a space stands.  Knows nothing of blank lines, nor of how lines stand to each other.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.parser.tokens import Token

STEP = 4
"""Spaces of one level of indentation."""

_ENDS_VALUE = frozenset({"NAME", "STRING", "NUMBER", "DURATION", "SIZE", "TRUE", "FALSE", "_RPAR", "_RSQB"})
_TIGHT_BEFORE = frozenset({"_RPAR", "_RSQB", "_COMMA", "_COLON", "_DOT", "_DOTS"})
_TIGHT_BEHIND = frozenset({"_LPAR", "_LSQB", "_DOT", "_DOTS", ""})
_OPENING = frozenset({"_LPAR", "_LSQB"})
_CLOSING = frozenset({"_RPAR", "_RSQB"})
_REMARK = "REMARK"  # a comment, in the place of a token


class Physical:
    """One line of the text that a logical line becomes; `equal` is the column of the `=` behind a name, or -1."""

    __slots__ = ("equal", "text")

    def __init__(self, text: str, equal: int) -> None:
        self.text = text
        self.equal = equal


def render_line(
    text: str, tokens: Sequence[Token], remarks: Sequence[tuple[int, int, bool]], level: int
) -> list[Physical]:
    """Return the lines of text that a logical line becomes.

    `remarks` are the comments in it: first offset, offset behind the last, whether each has a line of its own.
    """
    pieces: list[tuple[str, int, int]] = [(token[0], token[1], token[2]) for token in tokens]
    if pieces and pieces[-1][0] == "_COMMA":  # outside brackets: says nothing
        pieces.pop()
    pieces += [(_REMARK, start, end) for start, end, _ in remarks]
    pieces.sort(key=lambda piece: piece[1])
    lines: list[Physical] = []
    depth, behind, end = 0, "", -1
    unary = False
    here: list[str] = []
    equal = -1
    for index, (kind, start, stop) in enumerate(pieces):
        if end >= 0 and "\n" in text[end:start]:
            lines.append(Physical("".join(here), equal))
            here, equal = [], -1
            here.append(" " * _continued(pieces, index, depth, level))
            space = ""
        elif end < 0:
            space = " " * (STEP * level)
        else:
            space = _space(behind, kind, depth, unary=unary)
        if kind == "_EQUAL" and index == 1:
            equal = sum(map(len, here)) + len(space)
        here.append(space + text[start:stop])
        unary = kind in ("PLUS", "MINUS") and behind not in _ENDS_VALUE
        depth += (kind in _OPENING) - (kind in _CLOSING)
        if kind != _REMARK:
            behind = kind
        end = stop
    lines.append(Physical("".join(here), equal))
    return lines


def _continued(pieces: list[tuple[str, int, int]], index: int, depth: int, level: int) -> int:
    """Return the indentation of a line inside brackets, or behind a comma."""
    closers = 0
    while index + closers < len(pieces) and pieces[index + closers][0] in _CLOSING:
        closers += 1
    inner = max(0, depth - closers) if closers else max(1, depth)
    return STEP * (level + inner)


def _space(behind: str, kind: str, depth: int, *, unary: bool) -> str:
    """Return what stands between two tokens on one line."""
    if kind == _REMARK:
        return "  "
    if kind in _TIGHT_BEFORE or behind in _TIGHT_BEHIND or unary:
        return ""
    if kind in _OPENING and behind in _ENDS_VALUE:  # a call or an index
        return ""
    if depth and "_EQUAL" in (kind, behind):  # a named argument
        return ""
    return " "
