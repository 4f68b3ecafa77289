"""Raw text below `run:`, `post:` and `setup:`.

Owns where such a block begins and ends, and what of its indentation is ours.  Knows nothing of the shell.
"""

from __future__ import annotations

import re

from hpcmake.parser.tokens import Raw, spaces

_BEHIND_COMMENTS = re.compile(r"(?:[ \t]*+(?:#[^\n]*+)?\r?\n)++([ ]*+)[^ \t\r\n]")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.parser.lexer import Lexer


def read_shell(lexer: Lexer, at: int, width: int) -> tuple[Raw, int, int]:
    """Return the text that stands behind the colon at `at` and below it, deeper than `width`.

    Also returns the offset behind its last character, and that of the next line.  Text on the line of the colon
    is the first line; the first line below it sets the indentation of those that follow.
    """
    text, size = lexer.text, len(lexer.text)
    lines: list[str] = []
    offsets: list[int] = []
    end, after = at, _line_end(text, at, size) + 1
    same = text[at : after - 1].strip(" \t\r")
    if same:
        lines, offsets = [same], [text.index(same, at)]
        end = offsets[0] + len(same)
    kept = len(lines)
    next_line, floor, inside = after, -1, -1
    while next_line < size:
        start = next_line
        stop = _line_end(text, start, size)
        next_line = stop + 1
        line = text[start:stop].removesuffix("\r")
        bare = line.lstrip(" \t")
        if bare:
            lead = _lead(lexer, line, bare, start, floor, width)
            if lead <= width and start > inside:
                inside, following = _comments_end(text, bare, start)
                if following <= width:
                    break
                floor = following if floor < 0 else floor
            elif lead > width and floor < 0:
                if same and not same.endswith("\\") and not _tell_split(lexer, bare, start + len(line)):
                    break
                floor = lead
                del lines[kept:], offsets[kept:]  # blank lines above the first
            if lead < floor:
                _tell_shallow(lexer, start, lead, floor)
            cut = min(floor, len(line) - len(bare))
            kept, end, after = len(lines) + 1, start + len(line), next_line
        else:
            cut = min(floor, len(line)) if floor >= 0 else len(line)
        lines.append(line[cut:])
        offsets.append(start + cut)
    del lines[kept:], offsets[kept:]
    raw = Raw("\n".join(lines) + "\n" if lines else "", tuple(offsets))
    return raw, end, min(after, size)


def _line_end(text: str, at: int, size: int) -> int:
    found = text.find("\n", at)
    return size if found < 0 else found


def _lead(lexer: Lexer, line: str, bare: str, start: int, floor: int, width: int) -> int:
    """Return how far a line is indented; a tab in what is ours is told."""
    margin = line[: len(line) - len(bare)]
    spaces = len(margin) - len(margin.lstrip(" "))
    if spaces == len(margin) or (0 <= floor <= spaces):
        return spaces
    wide = len(margin.expandtabs())
    if wide > width:
        lexer.tab(start, start + len(margin))
    return wide


def _comments_end(text: str, bare: str, start: int) -> tuple[int, int]:
    """Return where comments that are indented too little end, and the indentation of what stands below them.

    Deeper text there means that the comments belong to the shell too.  Both are -1 if there are no comments.
    """
    found = _BEHIND_COMMENTS.match(text, start) if bare.startswith("#") else None
    return (-1, -1) if found is None else (found.start(1) - 1, len(found[1]))


def _tell_split(lexer: Lexer, bare: str, end: int) -> bool:
    """Tell of a line below text that stands on the line of its colon; a comment there is none of the shell's."""
    if bare[0] == "#":
        return False
    lexer.flaw(
        "E119",
        "shell text stands on the line of its colon and below it",
        lexer.span(end - len(bare), end),
        mend="put all of it below the colon; if this is an attribute, remove its extra indentation",
    )
    return True


def _tell_shallow(lexer: Lexer, start: int, lead: int, floor: int) -> None:
    from hpcmake.diagnostics import Diagnostic  # only mistakes need it

    message = f"the line is indented by {spaces(lead)}, less than the first line of its shell text"
    help_ = f"indent it by {floor}, as the first line"
    lexer.diagnostics.append(Diagnostic("E119", message, lexer.span(start, start + lead), help=help_))
