"""Brace groups of commands: which of them are ours, which stay as they are, which are mistakes.

Owns that distinction and its diagnostics.  Knows nothing of quoting, nor of what names stand for.
"""

from __future__ import annotations

import re

from hpcmake.braces import NAME, parse_brace, parse_head
from hpcmake.diagnostics import Diagnostic, did_you_mean
from hpcmake.planner.levels import VALUE
from hpcmake.syntax import Block, Brace
from hpcmake.text import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection


_NAME = re.compile(NAME)
_DOUBLED = re.compile(r"\{\{[^{}\n]*+\}\}")
_LONGEST = 1000  # characters of a group; beyond, it is not one of ours


def read_groups(
    block: Block, known: Collection[str], unbound_hint: Callable[[str], str] | None
) -> tuple[list[Brace], str, list[Diagnostic]]:
    """Return the groups, the text in which each is one VALUE and `{{name}}` is `{name}`, and the mistakes."""
    text = block.text
    braces: list[Brace] = []
    parts: list[str] = []
    done = 0
    places = _Places(block)
    mistakes = _Mistakes(known, unbound_hint)
    at = text.find("{")
    while at >= 0:
        inner = at + 1
        doubled = text.startswith("{", inner)
        head = parse_head(text[inner + doubled : inner + doubled + _LONGEST])
        end = inner + doubled + len(head) if head else inner
        if doubled and (whole := _DOUBLED.match(text, at)):
            if head and end + 2 == whole.end():
                parts += (text[done:at], "{", head, "}")
                done = whole.end()
            at = whole.end()
        elif head is None or doubled or (at and text[at - 1] == "$"):
            at = inner
        elif not text.startswith("}", end):
            mistakes.judge_form(text, places, at, head)
            at = inner
        else:
            brace = parse_brace(head, places.span(at, end + 1))
            if brace and mistakes.knows(brace, head):
                braces.append(brace)
                parts += (text[done:at], VALUE)
                done = end + 1
            at = end + 1
        at = text.find("{", at)
    parts.append(text[done:])
    return braces, "".join(parts), mistakes.found


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


class _Mistakes:
    """What is wrong with the groups of one block."""

    def __init__(self, known: Collection[str], unbound_hint: Callable[[str], str] | None) -> None:
        self.known = known
        self.unbound_hint = unbound_hint
        self.found: list[Diagnostic] = []
        self.hints: dict[str, str] = {}  # by unknown name

    def knows(self, brace: Brace, head: str) -> bool:
        """Return whether a group has a known name; note the mistake if not."""
        name = brace.name.id
        if name in self.known:
            return True
        if name not in self.hints:
            hints = [self.unbound_hint(name) if self.unbound_hint else "", did_you_mean(name, self.known)]
            self.hints[name] = "".join(hint + "\n" for hint in hints if hint)
        mend = self.hints[name] + f"write {{{{{head}}}}} for the characters {{{head}}}, "
        mend += f"or {{ {head} }} for a group of the shell's or of awk's"
        self.found.append(Diagnostic("E601", f"unknown name `{name}` in a command", brace.span, help=mend))
        return False

    def judge_form(self, text: str, places: _Places, at: int, head: str) -> None:
        """Note the mistake of a group that is not of the form, if it begins with a known name."""
        name = _NAME.match(head)[0]  # type: ignore[index]  # a head begins with a name
        if name not in self.known:
            return
        line_end = text.find("\n", at, at + _LONGEST)
        close = text.find("}", at, min(at + _LONGEST, len(text)) if line_end < 0 else line_end)
        if close < 0:
            message = f"`{{{name}` begins with the name of a value, and no `}}` closes it on this line"
            mend = f"write {{{name}}}, or {{ {name} for a group of the shell's or of awk's"
            self.found.append(Diagnostic("E602", message, places.span(at, at + 1 + len(name)), help=mend))
            return
        inside = text[at + 1 : close]
        message = f"`{{{inside}}}` begins with the name of a value, and is not of the form of a name in braces"
        self.found.append(Diagnostic("E602", message, places.span(at, close + 1), help=_mend_form(inside, name)))


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
