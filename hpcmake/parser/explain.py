"""What to say about a token that may not stand where it does: what is so, and the edit that would work.

Owns the words of syntax mistakes.  Knows nothing of how reading goes on behind them.
"""

from __future__ import annotations

from hpcmake.braces import shorten
from hpcmake.diagnostics import Diagnostic, nearest
from hpcmake.parser.tokens import ATTRIBUTES, FLAW, KEYWORDS, OPERATORS, SHELL_WORDS, STATEMENTS
from hpcmake.text import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hpcmake.parser.tables import Unexpected
    from hpcmake.parser.tokens import Line
    from hpcmake.text import Source

_VALUES = frozenset({"STRING", "NUMBER", "DURATION", "SIZE", "NAME", "TRUE", "FALSE", "_EACH", "MODIFIER"})
_HEADS = {
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
_WORDS = {
    **{terminal: f"`{sign}`" for sign, terminal in OPERATORS.items()},
    **{terminal: f"`{word}`" for word, terminal in KEYWORDS.items()},
    "_ON": "`on`",
    "_OVER": "`over`",
    "NAME": "a name",
    "STRING": "a string",
    "_NEWLINE": "the end of the line",
}


class Mistake:
    """A token that was not expected, and the line at the head of what was being read."""

    def __init__(self, source: Source, error: Unexpected, head: Line, start: str) -> None:
        self.source = source
        self.kind, self.first, self.end, _ = error.token
        self.told = self.kind == FLAW  # by the lexer
        self.expected = error.expected
        self.behind = error.behind
        self.head = head
        self.start = start
        kinds = [token[0] for token in head.tokens]
        self.place = next((index for index, token in enumerate(head.tokens) if token is error.token), len(kinds))
        self.kinds = kinds
        self.empty = "_INDENT" in error.expected and error.behind is not None and error.behind[0] == "_NEWLINE"
        self.is_indent = self.kind == "_INDENT" and error.behind is head.tokens[-1]
        self.in_head = self.place < len(kinds) or self.is_indent or (self.empty and error.behind is head.tokens[-1])

    @property
    def span(self) -> Span:
        """Where the token stands; the end of a line has no width."""
        return Span(self.source, self.first, self.end)

    @property
    def text(self) -> str:
        """The token as it is written."""
        return self.source.text[self.first : self.end]

    def word(self, index: int) -> str:
        """Return a token of the head as it is written, or the empty text behind its end."""
        if index >= len(self.head.tokens):
            return ""
        _, start, end, _ = self.head.tokens[index]
        return self.source.text[start:end]

    def rest(self) -> list[str]:
        """Return the tokens of the head behind this one, as they are written."""
        return [self.word(index) for index in range(self.place + 1, len(self.kinds))]

    def kind_at(self, index: int) -> str:
        """Return the terminal of a token of the head, or the empty text outside it."""
        return self.kinds[index] if 0 <= index < len(self.kinds) else ""

    def between(self, first: int, last: int) -> Span:
        """Return the place of the tokens `first` to `last` of the head."""
        return Span(self.source, self.head.tokens[first][1], self.head.tokens[last][2])

    def say(self, code: str, message: str, help_: str, span: Span | None = None, label: str = "") -> Diagnostic:
        """Return the diagnostic."""
        return Diagnostic(code, message, span or self.span, label, help=help_)


def explain(mistake: Mistake) -> Diagnostic:
    """Return what is wrong, by the first explanation that fits."""
    for explanation in _EXPLANATIONS:
        found = explanation(mistake)
        if found is not None:
            return found
    return _anything(mistake)


def explain_indent(source: Source, line: Line) -> Diagnostic:
    """Return that a line is indented without belonging to one above it."""
    _, start, end, _ = next(token for token in line.tokens if token[0] == "_INDENT")
    return _indented(source, start, end)


def _indented(source: Source, start: int, end: int) -> Diagnostic:
    help_ = "indent it as the line above it, or remove its indentation"
    return Diagnostic(
        "E117", "the line is indented, but nothing above it opens a block", Span(source, start, end), help=help_
    )


def _indent(mistake: Mistake) -> Diagnostic | None:
    if mistake.kind != "_INDENT":
        return None
    return _indented(mistake.source, mistake.first, mistake.end)


def _empty(mistake: Mistake) -> Diagnostic | None:
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


def _statement(mistake: Mistake) -> Diagnostic | None:
    """A line at top level that begins no statement."""
    if mistake.start != "statement" or mistake.kinds[0] in _HEADS:
        return None
    word, span = mistake.word(0), mistake.between(0, 0)
    if mistake.kinds[0] not in ("NAME", "MODIFIER", "SHELL"):
        help_ = f"a statement begins with {_either(list(STATEMENTS))}"
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
        help_ = f"a statement begins with {_either(list(STATEMENTS))}"
    return mistake.say("E114", f"unknown statement `{shorten(word)}`", help_, span)


def _member(mistake: Mistake) -> Diagnostic | None:
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
    close = nearest(word, ATTRIBUTES) or word
    return mistake.say("E115", f"the attribute `{shorten(word)}` needs a colon", f"write `{shorten(close)}:`", span)


def _colon(mistake: Mistake) -> Diagnostic | None:
    """A head without its colon, or with the wrong sign."""
    head = mistake.kinds[0]
    if head not in _HEADS or mistake.start == "items_line":
        return None
    form = _HEADS[head]
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


def _reserved(mistake: Mistake) -> Diagnostic | None:
    """A keyword, or something else, where a name must stand."""
    if mistake.behind is None or mistake.behind[0] not in _NAMING or "NAME" not in mistake.expected:
        return None
    text = shorten(mistake.text)
    if mistake.kind in KEYWORDS.values():
        return mistake.say(
            "E118", f"`{text}` is a word of the language and cannot be a name", f"write another name, such as `{text}_`"
        )
    if mistake.kind == "_NEWLINE" or not text.strip():
        return mistake.say("E118", "a name is missing", f"the form is `{_form(mistake)}`")
    return mistake.say(
        "E118", f"`{text}` is not a name", f"the form is `{_form(mistake)}`; a name holds letters, digits and `_`"
    )


def _form(mistake: Mistake) -> str:
    kind = mistake.behind[0] if mistake.behind else ""
    if kind == "_FOR":
        return "ITEM for NAME in LIST"
    return {"_OVER": _HEADS["_PREFER"], "_ON": "defaults on SITE:"}.get(kind) or _HEADS[kind]


def _comma(mistake: Mistake) -> Diagnostic | None:
    """A value straight behind another."""
    if mistake.kind not in _VALUES or "_COMMA" not in mistake.expected or mistake.behind is None:
        return None
    if mistake.behind[0] in ("_FOR", "NAME") and "IN" in mistake.expected and "PLUS" not in mistake.expected:
        return None
    text = shorten(mistake.text)
    return mistake.say("E121", f"a comma is missing before `{text}`", f"write `, {text}`")


def _equal(mistake: Mistake) -> Diagnostic | None:
    """`=` in an expression."""
    if mistake.kind == "_EQUAL" and "EQ" in mistake.expected:
        return mistake.say("E122", "`=` does not compare", "write `==` to compare")
    return None


def _comprehension(mistake: Mistake) -> Diagnostic | None:
    """What follows the clauses of a comprehension."""
    before = mistake.kinds[: mistake.place]
    if "_FOR" not in before:
        return None
    if mistake.kind == "_ELSE":
        return mistake.say(
            "E123",
            "a conditional in a clause of `for`, or in its condition, needs parentheses",
            "write `(A if CONDITION else B)`",
        )
    if mistake.kind == "_IF" and "_IF" in before:
        return mistake.say("E123", "a comprehension has one condition, at its end", "join conditions with `and`")
    if mistake.kind == "_FOR":
        return mistake.say(
            "E123",
            "the condition of a comprehension stands behind all its clauses",
            "write `ITEM for … for … if CONDITION`",
        )
    if "IN" in mistake.expected and "PLUS" not in mistake.expected:
        return mistake.say("E123", "`in` is missing in the clause", 'write `for NAME in LIST`, or `for each "PATTERN"`')
    return None


def _missing(mistake: Mistake) -> Diagnostic | None:
    """Something that is needed, and is not there."""
    behind = mistake.behind
    text = "" if behind is None else shorten(mistake.source.text[behind[1] : behind[2]])
    if behind is not None and behind[0] == "_EACH":
        return mistake.say("E113", "`each` is followed by a string", 'write `each "PATTERN"`')
    if mistake.kind in ("_NEWLINE", "_COMMA", "_RPAR", "_RSQB"):
        if "_ELSE" in mistake.expected:
            return mistake.say(
                "E113",
                "the conditional has no `else`",
                "write `A if CONDITION else B`; to leave something out, `[] ` is the empty list".replace("[] ", "[]"),
            )
        if "NUMBER" in mistake.expected and behind is not None:
            return mistake.say(
                "E113", f"a value is missing behind `{text}`", f"write a value behind `{text}`, or remove it"
            )
    if mistake.kind == "_LPAR" and behind is not None and behind[0] == "NAME":
        return mistake.say("E113", f"`{text}` cannot be called behind a dot", f"functions are written `{text}(value)`")
    if mistake.kind == "_DOT" and mistake.kind_at(mistake.place + 1) == "NUMBER":
        return mistake.say(
            "E111",
            f"`.{mistake.word(mistake.place + 1)}` is not a number",
            f"write `0.{mistake.word(mistake.place + 1)}`",
        )
    if text == "." and mistake.kind_at(mistake.place - 2) == "NUMBER":
        number = mistake.word(mistake.place - 2)
        span = mistake.between(mistake.place - 2, mistake.place - 1)
        return mistake.say("E111", f"`{number}.` is not a number", f"write `{number}`, or `{number}.0`", span)
    if mistake.kind == "_COMMA" and mistake.kinds[0] in ("_LET", "_PARAM"):
        return mistake.say("E113", f"`{mistake.word(0)}` takes one value", "write a list in brackets: `[a, b]`")
    if mistake.kind == "_COLON" and "_LSQB" in mistake.kinds[: mistake.place]:
        return mistake.say("E113", "there are no slices", "pick items with `for`: `[x for x in LIST if CONDITION]`")
    return None


def _anything(mistake: Mistake) -> Diagnostic:
    """The last resort: what may stand there instead."""
    expected = mistake.expected
    if "NUMBER" in expected:
        wanted = "a value"
    else:
        names = [_WORDS[kind] for kind in _WORDS if kind in expected and kind not in ("PLUS", "MINUS")]
        wanted = _either(names) if 0 < len(names) <= 4 else "the end of the line" if "_NEWLINE" in expected else ""  # noqa: PLR2004
    if mistake.kind == "_NEWLINE":
        message = "the line ends too early"
    elif mistake.kind in ("_DEDENT", "$END"):
        message = "the block ends too early"
    else:
        message = f"`{shorten(mistake.text)}` may not stand here"
    behind = mistake.behind
    after = "" if behind is None else shorten(mistake.source.text[behind[1] : behind[2]].strip())
    help_ = (
        f"write {wanted}{f' behind `{after}`' if after else ''}"
        if wanted
        else "remove it, or put the expression in `( )`"
    )
    return mistake.say("E113", message, help_, label=f"expected {wanted}" if wanted else "")


def _either(words: list[str]) -> str:
    shown = [word if word.startswith(("`", "a ", "the ")) else f"`{word}`" for word in words]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


_EXPLANATIONS: tuple[Callable[[Mistake], Diagnostic | None], ...] = (
    _indent,
    _empty,
    _statement,
    _member,
    _reserved,
    _colon,
    _equal,
    _comprehension,
    _missing,
    _comma,
)
