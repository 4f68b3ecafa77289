"""`{NAME.FIELD[0]:04!file}`: the form of a name in braces, in patterns and in commands.

Owns that form and the mends of what is not of it.  Knows nothing of what the names stand for.
"""

from __future__ import annotations

import re

from hpcmake.diagnostics import Diagnostic
from hpcmake.syntax import Brace, Field, Position, Word
from hpcmake.text import Span

NAME = "[A-Za-z_][A-Za-z0-9_]*+"
"""A name, as a regular expression."""

_FORM = re.compile(
    rf"""(?P<name>{NAME})
    (?P<path>(?:\.{NAME}|\[(?:[0-9]{{1,9}}|{NAME}|"[^"\n\]]*+"|'[^'\n\]]*+')\])*+)
    (?::0(?P<pad>[0-9]{{1,2}}))?
    (?:!(?P<modifier>r|file))?""",
    re.VERBOSE,
)
_LONGEST = 40  # letters of a Wfile that a message repeats
_STEP = re.compile(
    rf"\.(?P<field>{NAME})|\[(?:(?P<number>[0-9]+)|(?P<name>{NAME})|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)')\]"
)


def parse_brace(text: str, span: Span) -> Brace | None:
    """Return what stands between `{` and `}`, or None if it is not of the form.

    `span` is the whole group with its braces; places of the parts are right if the source says `text` letter by letter.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    source, at = span.source, span.start + 1
    name = Word(Span(source, at, at + found.end("name")), found["name"])
    pad = int(found["pad"]) if found["pad"] else None
    if not found["path"]:
        return Brace(span, name, (), pad, found["modifier"])
    path: list[Field | Position] = []
    at += found.start("path")
    for step in _STEP.finditer(found["path"]):
        here = Span(source, at + step.start(), at + step.end())
        inner = Span(source, here.start + 1, here.end)
        if step["field"]:
            path.append(Field(here, Word(inner, step["field"])))
        elif step["number"]:
            path.append(Position(here, int(step["number"])))
        elif step["name"]:
            path.append(Position(here, Word(Span(source, inner.start, inner.end - 1), step["name"])))
        else:
            key = step["double"]
            path.append(Position(here, step["single"] if key is None else key))
    return Brace(span, name, tuple(path), pad, found["modifier"])


def explain_brace(text: str, span: Span) -> Diagnostic:
    """Return what is wrong with a brace group in a pattern that is not of the form, with its mend."""
    message = f"`{shorten('{' + text + '}')}` is not a name in braces"
    return Diagnostic("E109", message, span, _label(text), help=_mend(text))


def _label(text: str) -> str:
    return "there is nothing in it" if not text.strip() else ""


_FORM_IN_WORDS = 'the form is {NAME}, with .FIELD, [0], ["key"] or [NAME] behind the name, then :04, then !r or !file'


def _mend(text: str) -> str:
    bare = text.strip()
    if len(bare) > _LONGEST:
        return _FORM_IN_WORDS
    if not bare:
        return "write the name of a value or wildcard: `{name}`"
    if bare != text and _FORM.fullmatch(bare):
        return f"write `{{{bare}}}`, without spaces"
    if "," in bare and re.fullmatch(r"[\w ./,-]+", bare):
        words = ", ".join(f'"{word.strip()}"' for word in bare.split(","))
        return f"a pattern has no choices: write `for x in [{words}]` behind the string, and {{x}} in it"
    if re.fullmatch(r"-?\d+\.\.-?\d+(\.\.-?\d+)?", bare):
        return f"write `for i in {bare}` behind the string, and {{i}} in it"
    width = re.fullmatch(rf"({NAME}[^:!]*):([^!:]*)(![a-z]*)?", bare)
    if width and parse_head(width[1]) == width[1]:
        digits = re.search(r"[1-9][0-9]?", width[2])
        mended = f"{{{width[1]}:0{digits[0] if digits else 4}}}"
        return f"a width is written with a zero in front, up to 99: `{mended}`"
    ending = re.fullmatch(rf"({NAME}[^:!]*(?::0\d+)?)!(.*)", bare)
    if ending and parse_head(ending[1]):
        return f"there are `!r` (raw) and `!file`: `{{{ending[1]}!r}}`"
    if re.fullmatch(rf"{NAME}\s*[-+*/%(].*", bare):
        return f"give it a name: `let value = {bare}`, and write {{value}}"
    if re.match(r"[0-9]", bare):
        return "a name does not begin with a digit; for the characters themselves write {{" + text + "}}"
    return f"{_FORM_IN_WORDS}; for the characters themselves write {{{{{text}}}}}"


def shorten(text: str) -> str:
    """Return a piece of a Wfile as a message shows it: at most forty letters, since its line is shown anyway."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def parse_head(text: str) -> str | None:
    """Return the longest beginning of a text that is of the form in a command, None if it does not begin with a name.

    A key in single quotes is of the form only within a string of the Wfile: `{d['key']}` in a command is Python's.
    """
    found = _FORM.match(text)
    return None if found is None else found[0].partition("['")[0]
