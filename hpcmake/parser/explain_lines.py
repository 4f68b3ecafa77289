"""What to say about the lines of a Wfile: statements, attributes, their names and colons.

Owns the words of mistakes in the heads of lines.  Knows nothing of expressions.
"""

from __future__ import annotations

from hpcmake.braces import shorten
from hpcmake.diagnostics import Diagnostic, nearest
from hpcmake.parser.mistake import Mistake, either
from hpcmake.parser.tokens import ATTRIBUTES, KEYWORDS, SHELL_WORDS, STATEMENTS
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.parser.tokens import Line

HEADS = {
    "_RULE": "rule NAME:",
    "_TARGET": "target NAME: ITEMS",
    "_LET": "let NAME = VALUE",
    "_PARAM": "param NAME = VALUE",
    "_WILDCARD": "wildcard NAME: 'REGEX'",
    "_DEFAULTS": "defaults:",
    "_INCLUDE": 'include "FILE"',
    "_PREFER": "prefer RULE over RULE",
}
_NAMING = frozenset({"_RULE", "_TARGET", "_LET", "_PARAM", "_WILDCARD", "_PREFER", "_OVER", "_ON", "_FOR"})


def explain_indent(source: Source, line: Line) -> Diagnostic:
    """Return that a line is indented without belonging to one above it."""
    _, start, end, _ = next(token for token in line.tokens if token[0] == "_INDENT")
    return _indented(source, start, end)


def _indented(source: Source, start: int, end: int) -> Diagnostic:
    help_ = "indent it as the line above it, or remove its indentation"
    return Diagnostic(
        "E117", "the line is indented, but nothing above it opens a block", Span(source, start, end), help=help_
    )


def indent(mistake: Mistake) -> Diagnostic | None:
    """A line that is indented below one that opens no block."""
    if mistake.kind != "_INDENT":
        return None
    return _indented(mistake.source, mistake.first, mistake.end)


def empty(mistake: Mistake) -> Diagnostic | None:
    """Nothing below a line that opens a block."""
    if not mistake.empty:
        return None
    last = len(mistake.kinds) - 2
    span = mistake.between(0, max(0, last - 1))
    shown = shorten(span.text)
    if mistake.start == "statement" and mistake.kinds[0] != "_TARGET":
        return mistake.say("E116", f"`{shown}` has nothing below it", "write its attributes below it, indented", span)
    help_ = f'write its items behind the colon, or below it, indented: `{shown}: "FILE"`'
    return mistake.say("E116", f"`{shown}` has no items", help_, span)


def statement(mistake: Mistake) -> Diagnostic | None:
    """A line at top level that begins no statement."""
    if mistake.start != "statement" or mistake.kinds[0] in HEADS:
        return None
    word, span = mistake.word(0), mistake.between(0, 0)
    if mistake.kinds[0] not in ("NAME", "MODIFIER", "SHELL"):
        help_ = f"a statement begins with {either(list(STATEMENTS))}"
        return mistake.say("E114", f"no statement begins with `{shorten(word)}`", help_, span)
    if (":" in (mistake.word(1), "") or word in SHELL_WORDS) and word in ATTRIBUTES:
        help_ = "indent it below the `rule NAME:` that it belongs to, or below `defaults:`"
        return mistake.say("E114", f"the attribute `{word}` stands outside a rule", help_, span)
    close = nearest(word, STATEMENTS)
    if mistake.kind_at(1) == "_EQUAL":
        help_ = f"write `let {word} = …`, or `param {word} = …` for what `-D` may override"
    elif close:
        help_ = f"did you mean `{close}`?"
    elif nearest(word, ATTRIBUTES) and mistake.kind_at(1) == "_COLON":
        help_ = f"did you mean the attribute `{nearest(word, ATTRIBUTES)}`? It stands below a rule, indented"
    else:
        help_ = f"a statement begins with {either(list(STATEMENTS))}"
    return mistake.say("E114", f"unknown statement `{shorten(word)}`", help_, span)


def in_block(mistake: Mistake) -> Diagnostic | None:
    """A line of a target or of `defaults` that belongs into a rule."""
    word, span = mistake.word(0), mistake.between(0, 0)
    if mistake.start == "items_line" and (mistake.kinds[0] == "SHELL" or mistake.kind_at(1) == "_COLON"):
        help_ = 'items are files and names: `"FILE"`, one a line; attributes stand one step below `rule NAME:`'
        return mistake.say("E114", f"`{shorten(word)}` stands among items, and is an attribute", help_, span)
    if mistake.kinds[0] == "_DEFAULTS" and mistake.kind in ("_LET", "_WILDCARD"):
        return mistake.say("E114", f"`{mistake.text}` stands in `defaults`", "put it at top level, without indentation")
    return None


def member(mistake: Mistake) -> Diagnostic | None:
    """A line below a rule or `defaults` that is no attribute."""
    if mistake.start != "member" or mistake.kinds[0] in ("_LET", "_WILDCARD"):
        return None
    word, span = mistake.word(0), mistake.between(0, 0)
    if mistake.kinds[0] not in ("NAME", "MODIFIER", "SHELL"):
        if mistake.place > 0:
            return None
        help_ = "write the name of the attribute in front: `input: …`"
        return mistake.say("E113", f"an attribute does not begin with `{shorten(word)}`", help_, span)
    if mistake.place > 1:
        return None
    if word in STATEMENTS and mistake.kind_at(1) in ("NAME", "STRING", "_COLON"):
        return mistake.say("E114", f"`{word}` stands at top level", "remove its indentation", span)
    if mistake.kind == "_EQUAL":
        return mistake.say(
            "E115",
            f"the attribute `{word}` needs a colon",
            f"write `{word}:` instead of `{word} =`; a constant is `let {word} = …`",
        )
    if mistake.kinds[0] == "SHELL":
        return None
    close = nearest(word, ATTRIBUTES) or word
    return mistake.say("E115", f"the attribute `{shorten(word)}` needs a colon", f"write `{shorten(close)}:`", span)


def colon(mistake: Mistake) -> Diagnostic | None:
    """A head without its colon, or with the wrong sign."""
    head = mistake.kinds[0]
    if head not in HEADS or mistake.start == "items_line":
        return None
    form = HEADS[head]
    if mistake.kind == "_EQUAL" and "_COLON" in mistake.expected:
        return mistake.say("E115", f"`{mistake.word(0)}` takes a colon, not `=`", f"the form is `{form}`")
    if mistake.kind in ("_COLON", "EQ") and "_EQUAL" in mistake.expected:
        return mistake.say("E113", f"`{mistake.word(0)}` takes `=`, not `{mistake.text}`", f"the form is `{form}`")
    if mistake.kind in ("MINUS", "_DOT") and mistake.kind_at(mistake.place - 1) in ("NAME", *KEYWORDS.values()):
        start = mistake.head.tokens[mistake.place - 1][1]
        written = mistake.source.text[start : mistake.head.tokens[-1][2]].split(":")[0].split("=")[0].split()[0]
        span = Span(mistake.source, start, start + len(written))
        mended = "".join(letter if letter.isalnum() else "_" for letter in written)
        return mistake.say("E118", f"`{shorten(written)}` is not a name", f"write `{shorten(mended)}`", span)
    if mistake.kind == "NAME" and mistake.kind_at(mistake.place - 1) == "NAME" and ":" in mistake.rest():
        span = Span(mistake.source, mistake.head.tokens[mistake.place - 1][1], mistake.end)
        return mistake.say(
            "E118", f"`{shorten(span.text)}` is not one name", f"write `{shorten('_'.join(span.text.split()))}`", span
        )
    if head == "_DEFAULTS" and mistake.kind == "NAME":
        return mistake.say("E115", "`on` is missing", f"write `defaults on {shorten(mistake.text)}:`")
    if "_COLON" in mistake.expected and mistake.kind_at(mistake.place - 1) in ("NAME", "_DEFAULTS"):
        shown = shorten(mistake.between(0, mistake.place - 1).text)
        return mistake.say("E115", f"`{shown}` needs a colon", f"write `{shown}:`")
    if (
        mistake.behind is not None
        and mistake.behind[0] == "_COLON"
        and "_NEWLINE" in mistake.expected
        and head in ("_RULE", "_DEFAULTS")
    ):
        return mistake.say(
            "E113",
            f"attributes do not stand on the line of `{mistake.word(0)}`",
            "put each on a line of its own below it, indented",
        )
    return None


def reserved(mistake: Mistake) -> Diagnostic | None:
    """A keyword, or something else, where a name must stand."""
    if mistake.start == "items_line" and mistake.place == 0 and mistake.kind_at(1) == "_EQUAL":
        return _keyword(mistake)
    if mistake.behind is None or mistake.behind[0] not in _NAMING or "NAME" not in mistake.expected:
        return None
    text = shorten(mistake.text)
    if mistake.kind in KEYWORDS.values():
        return _keyword(mistake)
    if mistake.kind in ("_NEWLINE", "_COLON", "_EQUAL") or not text.strip():
        return mistake.say("E118", "a name is missing", f"the form is `{_form(mistake)}`")
    return mistake.say(
        "E118", f"`{text}` is not a name", f"the form is `{_form(mistake)}`; a name holds letters, digits and `_`"
    )


def _keyword(mistake: Mistake) -> Diagnostic:
    message = f"`{mistake.text}` is a word of the language and cannot be a name"
    return mistake.say("E118", message, f"write another name, such as `{mistake.text}_`")


def _form(mistake: Mistake) -> str:
    kind = mistake.behind[0] if mistake.behind else ""
    if kind == "_FOR":
        return "ITEM for NAME in LIST"
    return {"_OVER": HEADS["_PREFER"], "_ON": "defaults on SITE:"}.get(kind) or HEADS[kind]
