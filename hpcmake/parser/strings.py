"""Strings: escapes, and names in braces.

Owns what stands between the quotes.  Knows nothing of where a string stands.
"""

from __future__ import annotations

import re

from hpcmake.braces import explain_brace, parse_brace
from hpcmake.diagnostics import Diagnostic
from hpcmake.parser.swift import maker
from hpcmake.parser.tokens import MISTAKES_AT_MOST
from hpcmake.syntax import Brace, String, Text
from hpcmake.text import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.text import Source

_span, _text, _string = maker(Span), maker(Text), maker(String)

_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
_KEYS = r"""(?:"[^"\n\]]*+"|'[^'\n\]]*+'|\\"[^"\\\n\]]*+\\"|[^"'\\{}\n])*+"""
_PIECE = re.compile(
    rf"""(?P<plain>[^\\{{}}]++)
    | (?P<literal>\{{\{{|\}}\}})
    | \{{(?P<group>{_KEYS})\}}
    | (?P<open>\{{)
    | (?P<close>\}})
    | \\(?P<escape>u[0-9A-Fa-f]{{4}}|\{{[^{{}}"\\]*+\}}|[\s\S]|\Z)""",
    re.VERBOSE,
)
_PIECE_RAW = re.compile(
    r"""(?P<plain>[^{}]++)
    | (?P<literal>\{\{|\}\})
    | \{(?P<group>(?:"[^"\n\]]*+"|[^"{}\n])*+)\}
    | (?P<open>\{)
    | (?P<close>\})
    | (?P<escape>(?!))""",
    re.VERBOSE,
)


def parse_string(source: Source, start: int, end: int, diagnostics: list[Diagnostic]) -> String:
    """Return the string whose quotes stand at `start` and `end - 1`; mistakes are appended to `diagnostics`."""
    text = source.text
    raw = text[start] == "'"
    inner = text[start + 1 : end - 1]
    span = _span(source, start, end)
    if "{" not in inner and "}" not in inner and (raw or "\\" not in inner):
        return _string(span, (_text(_span(source, start + 1, end - 1), inner),) if inner else (), raw)
    parts: list[Text | Brace] = []
    letters: list[str] = []
    begun = at = start + 1
    for found in (_PIECE_RAW if raw else _PIECE).finditer(text, start + 1, end - 1):
        begun, at = (found.start() if not letters else begun), found.end()
        kind = found.lastgroup
        if kind == "plain":
            letters.append(found[0])
        elif kind == "literal":
            letters.append(found[0][0])
        elif kind == "escape":
            letters.append(_escape(found["escape"], Span(source, *found.span()), diagnostics))
        elif kind == "group":
            here = _span(source, *found.span())
            brace = parse_brace(found["group"].replace('\\"', '"') if not raw else found["group"], here)
            if brace is None:
                diagnostics.append(explain_brace(found["group"], here))
            else:
                if letters:
                    parts.append(_text(_span(source, begun, found.start()), "".join(letters)))
                    letters.clear()
                parts.append(brace)
        else:
            diagnostics.append(_lone(found[0], Span(source, *found.span())))
        if len(diagnostics) >= MISTAKES_AT_MOST:
            break
    if letters:
        parts.append(_text(_span(source, begun, at), "".join(letters)))
    return _string(span, tuple(parts), raw)


def parse_plain(source: Source, start: int, end: int, diagnostics: list[Diagnostic]) -> str:
    """Return the text of a string in which braces mean nothing, such as a regular expression."""
    text = source.text
    inner = text[start + 1 : end - 1]
    if text[start] == "'" or "\\" not in inner:
        return inner
    letters: list[str] = []
    for found in re.finditer(r"[^\\]++|\\(u[0-9A-Fa-f]{4}|[\s\S])", inner):
        if found[1] is None:
            letters.append(found[0])
            continue
        here = Span(source, start + 1 + found.start(), start + 1 + found.end())
        letters.append(_escape(found[1], here, diagnostics, plain=inner))
    return "".join(letters)


def _escape(letters: str, span: Span, diagnostics: list[Diagnostic], *, plain: str = "") -> str:
    """Return what an escape stands for, told without its backslash."""
    if letters in _ESCAPES:
        return _ESCAPES[letters]
    if letters[:1] == "u" and len(letters) > 1:
        value = int(letters[1:], 16)
        if value and not 0xD800 <= value <= 0xDFFF:  # noqa: PLR2004  # halves of a pair
            return chr(value)
        message = f"`\\{letters}` is not a character" if value else "a string may not hold a NUL"
        mend = "write the character itself" if value else "remove it"
        diagnostics.append(Diagnostic("E107", message, span, help=mend))
        return ""
    if plain and "'" not in plain:
        mend = f"in single quotes backslashes are plain: write '{plain}'"
    elif letters == "u":
        mend = "write four hexadecimal digits behind `\\u`, as in `\\u00e9`"
    elif letters[:1] == "{" and len(letters) > 1:
        mend = f"write `{{{letters}}}` for the characters themselves"
    elif letters in "{}":
        mend = f"write `{letters}{letters}` for the character itself"
    elif letters == "'":
        mend = "write `'` without a backslash"
    elif letters == "N":
        mend = "write `\\n` for a new line"
    else:
        known = 'there are \\n \\t \\" \\\\ and \\u1234'
        mend = f"write `\\\\{letters}` for a backslash: {known} (in '…' backslashes are plain)"
    diagnostics.append(Diagnostic("E107", f"unknown escape `\\{letters}`", span, help=mend))
    return ""


def _lone(sign: str, span: Span) -> Diagnostic:
    message = "the brace is not closed" if sign == "{" else "the brace closes nothing"
    close = "close it with `}`; " if sign == "{" else ""
    help_ = f"{close}for the character itself write `{sign}{sign}`"
    return Diagnostic("E108", message, span, help=help_)
