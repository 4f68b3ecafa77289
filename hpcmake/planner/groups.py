"""Brace groups of commands: which of them are ours, which stay as they are, which are mistakes.

Owns that distinction and its diagnostics.  Knows nothing of quoting, nor of what names stand for.
"""

from __future__ import annotations

import re

from hpcmake.braces import NAME, parse_brace, parse_head
from hpcmake.diagnostics import Diagnostic, did_you_mean
from hpcmake.planner.expansions import VALUE
from hpcmake.syntax import Block, Brace
from hpcmake.text import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection


_NAME = re.compile(NAME)
_LONGEST = 1000  # characters of a group; beyond, it is not one of ours


def read_groups(
    block: Block, known: Collection[str], unbound_hint: Callable[[str], str] | None
) -> tuple[list[Brace], str, list[Diagnostic]]:
    """Return the groups, the text in which each is one VALUE and `{{name}}` is `{name}`, and the mistakes."""
    text = block.text
    braces: list[Brace] = []
    parts: list[str] = []
    mistakes: list[Diagnostic] = []
    done = 0
    places = _Places(block)
    at = text.find("{")
    while at >= 0:
        inner = at + 1
        doubled = text.startswith("{", inner)
        head = parse_head(text[inner + doubled : inner + doubled + _LONGEST])
        end = inner + doubled + len(head) if head else inner
        if head and doubled and text.startswith("}}", end):
            parts += (text[done:at], "{", head, "}")
            at = done = end + 2
        elif head and not doubled and not (at and text[at - 1] == "$"):
            name = _NAME.match(head)[0]  # type: ignore[index]  # a head begins with a name
            if not text.startswith("}", end):
                if name in known:
                    mistakes.append(_explain_form(text, places, at, name))
                at = inner
            else:
                span = places.span(at, end + 1)
                brace = parse_brace(head, span)
                if name not in known or brace is None:
                    mistakes.append(_explain_name(name, head, span, known, unbound_hint))
                else:
                    braces.append(brace)
                    parts += (text[done:at], VALUE)
                    done = end + 1
                at = end + 1
        else:
            at = inner
        at = text.find("{", at)
    parts.append(text[done:])
    return braces, "".join(parts), mistakes


class _Places:
    """Spans in a block, asked for from its beginning to its end: without counting its lines anew each time."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.line = 0
        self.begins = 0
        self.next = block.text.find("\n") + 1 or len(block.text) + 1

    def span(self, start: int, end: int) -> Span:
        """Return where some characters of one line of the block stand in its source."""
        while start >= self.next:
            self.line += 1
            self.begins = self.next
            self.next = self.block.text.find("\n", self.begins) + 1 or len(self.block.text) + 1
        at = self.block.lines[self.line] + start - self.begins
        return Span(self.block.source, at, at + end - start)


def _explain_name(
    name: str, head: str, span: Span, known: Collection[str], unbound_hint: Callable[[str], str] | None
) -> Diagnostic:
    hints = [unbound_hint(name) if unbound_hint else "", did_you_mean(name, known)]
    hints.append(
        f"write {{{{{head}}}}} for the characters {{{head}}}, or {{ {head} }} for a group of the shell's or of awk's"
    )
    return Diagnostic("E601", f"unknown name `{name}` in a command", span, help="\n".join(filter(None, hints)))


def _explain_form(text: str, places: _Places, at: int, name: str) -> Diagnostic:
    line_end = text.find("\n", at, at + _LONGEST)
    limit = min(at + _LONGEST, len(text)) if line_end < 0 else line_end
    close = text.find("}", at, limit)
    if close < 0:
        span = places.span(at, at + 1 + len(name))
        message = f"`{{{name}` begins with the name of a value, and no `}}` closes it on this line"
        return Diagnostic(
            "E602", message, span, help=f"write {{{name}}}, or {{ {name} for a group of the shell's or of awk's"
        )
    inside = text[at + 1 : close]
    message = f"`{{{inside}}}` begins with the name of a value, and is not of the form of a name in braces"
    return Diagnostic("E602", message, places.span(at, close + 1), help=_mend_form(inside, name))


def _mend_form(inside: str, name: str) -> str:
    rest = inside[len(name) :]
    if not rest.strip():
        return f"write {{{name}}}, without spaces"
    digits = re.fullmatch(r":0?(\d{1,2})d?", rest)
    if digits:
        return f"a width is written with zeros: {{{name}:0{int(digits[1])}}}"
    if rest.startswith("!"):
        return f"there are {{{name}!r}} (raw) and {{{name}!file}} (the path of a file that lists the items)"
    if rest.startswith((",", "..")):
        return f"if the shell's own list is meant, quote the name: {{'{name}'{rest}}}"
    if rest.startswith(":"):
        return f"write {{{name}}}; behind a colon only a width can stand, as in {{{name}:04}}"
    own = f"give it a name of its own, `let value = {inside.strip()}`, and write {{value}}"
    return f"{own};\nfor a group of the shell's or of awk's write {{ {inside} }}"


_PROBLEMS = {
    "backslash": (
        "E603",
        "a backslash stands before a value, and would be read as a part of it",
        "write {{name}} for the characters {name}, or two backslashes for one before the value",
    ),
    "delimiter": (
        "E604",
        "a here-document cannot end in a value: where it ends must be known before",
        "end it in a word such as EOF",
    ),
    "deep": ("E607", "here-documents and backquotes are nested over 60 deep", "write a script of its own"),
}


def explain_problem(what: str, brace: Brace) -> Diagnostic:
    """Return what is wrong with the surroundings of a group: `what` is a word of Scan.problems."""
    code, message, mend = _PROBLEMS[what]
    return Diagnostic(code, message, brace.span, help=mend)
