"""The tree of what was written in a Wfile: frozen nodes, each with its Span.

Owns the shapes of statements, items and expressions.  Knows nothing of how text becomes a tree, nor of what it means.
Two nodes are equal if they say the same, wherever they stand: spans are not compared.
"""

from __future__ import annotations

from hpcmake.record import Record
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


class Node(Record):
    """A piece of a Wfile, and where it stands."""

    _uncompared: ClassVar[frozenset[str]] = frozenset({"span"})
    span: Span


class Word(Node):
    """An identifier that names something where it stands (a rule, an attribute, a field): not an expression."""

    id: str


# ---------------------------------------------------------------- expressions


class Expr(Node):
    """Anything that has a value."""


class Text(Node):
    """Characters of a string that stand for themselves, escapes already read."""

    value: str


class Field(Node):
    """`.NAME` behind a name."""

    name: Word


class Position(Node):
    """`[0]`, `["key"]` or `[NAME]` behind a name in braces."""

    key: int | str | Word


class Brace(Node):
    """`{NAME.FIELD[0]:04!r}` in a string: a name, a path of fields and positions, a width, `r` or `file`."""

    name: Word
    path: tuple[Field | Position, ...] = ()
    pad: int | None = None
    modifier: str | None = None


class String(Expr):
    """A string; `parts` alternate as written, and neighbouring texts are joined.  `raw`: in single quotes."""

    parts: tuple[Text | Brace, ...]
    raw: bool = False


class Number(Expr):
    """A whole number or an exact decimal, as written (`10`, `0.25`)."""

    text: str


class Boolean(Expr):
    """`true` or `false`."""

    value: bool


class Duration(Expr):
    """`1h30m`, as written."""

    text: str


class Size(Expr):
    """`512MiB`, as written."""

    text: str


class Name(Expr):
    """A name that stands for a value."""

    id: str


class ListOf(Expr):
    """`[a, b, ITEM for …]`."""

    items: tuple[Expr, ...]


class Range(Expr):
    """`LOW..HIGH` or `LOW..HIGH..STEP`, both ends included."""

    low: Expr
    high: Expr
    step: Expr | None = None


class Unary(Expr):
    """`-x`, `+x` or `not x`."""

    operator: str
    operand: Expr


class Binary(Expr):
    """`+ - * / // %`, `and`, `or`."""

    operator: str
    left: Expr
    right: Expr


class Comparison(Expr):
    """`a < b <= c`: operands, and the operators between them (`== != < <= > >= in`, `not in`)."""

    operands: tuple[Expr, ...]
    operators: tuple[str, ...]


class Conditional(Expr):
    """`then if condition else otherwise`."""

    then: Expr
    condition: Expr
    otherwise: Expr


class Index(Expr):
    """`value[index]`."""

    value: Expr
    index: Expr


class Member(Expr):
    """`value.field`."""

    value: Expr
    field: Word


class Keyword(Node):
    """`name=value` in a call."""

    name: Word
    value: Expr


class Call(Expr):
    """`function(arguments, keyword=value)`."""

    function: Word
    arguments: tuple[Expr, ...]
    keywords: tuple[Keyword, ...] = ()


class Each(Expr):
    """`each "PATTERN"`: the files that match, as a value."""

    pattern: String


class InClause(Node):
    """`for a, b in LIST`."""

    names: tuple[Word, ...]
    values: Expr


class EachClause(Node):
    """`for each "PATTERN"`."""

    pattern: String


class Comprehension(Expr):
    """`ITEM for CLAUSE for CLAUSE … if CONDITION`."""

    item: Expr
    clauses: tuple[InClause | EachClause, ...]
    condition: Expr | None = None


# ---------------------------------------------------------------- attributes


class Item(Node):
    """`NAME = MODIFIER VALUE` in a list of items; name and modifiers may be absent."""

    value: Expr
    name: Word | None = None
    modifiers: tuple[Word, ...] = ()


class Items(Node):
    """What stands behind the colon of an attribute other than a block: its items, in order."""

    items: tuple[Item, ...]


class Block(Node):
    """Shell text, or text for `interpreter` (the words after `run`).

    `text` is dedented by the indentation of its first line and ends in a newline; `lines` gives, for each of its lines,
    the offset in `source` of that line's first character in `text`, so that places in `text` can be told.
    """

    _uncompared: ClassVar[frozenset[str]] = frozenset({"span", "source", "lines"})
    text: str
    source: Source
    lines: tuple[int, ...]
    interpreter: tuple[Word, ...] = ()

    def span_of(self, start: int, end: int) -> Span:
        """Return where the characters `start` to `end` of `text` (of one line) stand in the source."""
        line = self.text.count("\n", 0, start)
        column = start - (self.text.rfind("\n", 0, start) + 1)
        at = self.lines[line] + column
        return Span(self.source, at, at + end - start)


class Attribute(Node):
    """`NAME: VALUE` in a rule or a block of defaults."""

    name: Word
    value: Items | Block


# ---------------------------------------------------------------- statements


class Let(Node):
    """`let NAME = VALUE`, at top level or in a rule."""

    name: Word
    value: Expr


class Param(Node):
    """`param NAME = VALUE`."""

    name: Word
    value: Expr


class Wildcard(Node):
    """`wildcard NAME: "REGEX"`, at top level or in a rule; braces in the string are the regex's own."""

    _uncompared: ClassVar[frozenset[str]] = frozenset({"span", "regex_span"})
    name: Word
    regex: str
    regex_span: Span


class Rule(Node):
    """`rule NAME:` and what is indented below it, in the order written."""

    name: Word
    body: tuple[Attribute | Let | Wildcard, ...]


class Target(Node):
    """`target NAME: ITEMS`."""

    name: Word
    items: Items


class Defaults(Node):
    """`defaults:` or `defaults on SITE:`."""

    site: Word | None
    body: tuple[Attribute, ...]


class Include(Node):
    """`include "GLOB"`."""

    path: String


class Prefer(Node):
    """`prefer WINNER over LOSER`."""

    winner: Word
    loser: Word


class Comment(Node):
    """`# text` to the end of a line, outside shell text.  `own_line`: nothing else stands on that line."""

    text: str
    own_line: bool


class Wfile(Node):
    """A whole file."""

    _uncompared: ClassVar[frozenset[str]] = frozenset({"span", "source"})
    source: Source
    statements: tuple[Rule | Target | Let | Param | Wildcard | Defaults | Include | Prefer, ...]
    comments: tuple[Comment, ...] = ()
