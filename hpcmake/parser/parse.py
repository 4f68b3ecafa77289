"""Text of a Wfile to its syntax tree, or to all its mistakes.

Owns the way from bytes to a tree, and how reading goes on behind a mistake.  Knows nothing of what the tree means.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.parser.build import Builder
from hpcmake.parser.grammar import load_tables
from hpcmake.parser.lexer import Lexer
from hpcmake.parser.swift import without_collector
from hpcmake.parser.tables import Unexpected
from hpcmake.parser.tokens import MISTAKES_AT_MOST
from hpcmake.syntax import Wfile
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def decode(name: str, raw: bytes) -> Source:
    """Return the text of a file.  Raises Trouble if it is not UTF-8 or holds a NUL; a byte order mark is dropped."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        text = raw.decode("utf-8", "replace")
        at = len(raw[: error.start].decode("utf-8"))
        span = Span(Source(name, text), at, at + 1)
        message = f"the file is not UTF-8: byte 0x{raw[error.start]:02x}"
        help_ = "save the file as UTF-8; from Latin-1: `iconv -f latin1 -t utf-8`"
        raise Trouble(Diagnostic("E100", message, span, help=help_)) from None
    text = text.removeprefix("\ufeff")
    at = text.find("\0")
    if at >= 0:
        span = Span(Source(name, text), at, at + 1)
        raise Trouble(Diagnostic("E100", "the file holds a NUL", span, help="remove the NUL: a Wfile is plain text"))
    return Source(name, text)


def parse(source: Source) -> Wfile:
    """Return the syntax tree of a Wfile.  Raises Trouble with every mistake in it."""
    lexer = Lexer(source)
    diagnostics: list[Diagnostic] = []
    builder = Builder(source, diagnostics)
    try:
        with without_collector():
            statements: Any = load_tables().run("wfile", lexer.lines(), builder)
    except Unexpected:
        from hpcmake.parser.recover import find_mistakes  # only mistakes need it

        raise Trouble(*find_mistakes(source)) from None
    found = sorted([*lexer.diagnostics, *diagnostics], key=lambda each: each.span.start if each.span else 0)
    if found:
        raise Trouble(*found[:MISTAKES_AT_MOST])
    span = Span(source, 0, len(source.text))
    return Wfile(span, source, statements, tuple(lexer.comments))
