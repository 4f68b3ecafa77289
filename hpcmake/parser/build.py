"""The nodes of the syntax tree, made as the grammar recognises them.

Owns which reduction makes which node, and where that node stands.  Knows nothing of the order in which tokens may come.
"""

from __future__ import annotations

from hpcmake import syntax
from hpcmake.parser.strings import parse_plain, parse_string
from hpcmake.text import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hpcmake.diagnostics import Diagnostic
    from hpcmake.parser.tokens import Token
    from hpcmake.text import Source

    Children = list[Any]  # nodes, and tokens where the grammar says a terminal


class Builder:
    """Makes the nodes of one source; each method is a rule or an alias of the grammar.

    Mistakes inside strings are appended to `diagnostics`, and the string is made all the same.
    """

    def __init__(self, source: Source, diagnostics: list[Diagnostic]) -> None:
        self.source = source
        self.diagnostics = diagnostics

    def _span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    def _word(self, token: Token) -> syntax.Word:
        return syntax.Word(Span(self.source, token[1], token[2]), str(token[3]))

    def _string(self, token: Token) -> syntax.String:
        return parse_string(self.source, token[1], token[2], self.diagnostics)

    # ------------------------------------------------------------ statements

    def wfile(self, children: Children, start: int, end: int) -> tuple[Any, ...]:
        return tuple(children)

    def rule(self, children: Children, start: int, end: int) -> syntax.Rule:
        return syntax.Rule(self._span(start, end), self._word(children[0]), tuple(children[1:]))

    def target(self, children: Children, start: int, end: int) -> syntax.Target:
        return syntax.Target(self._span(start, end), self._word(children[0]), children[1])

    def let(self, children: Children, start: int, end: int) -> syntax.Let:
        return syntax.Let(self._span(start, end), self._word(children[0]), children[1])

    def param(self, children: Children, start: int, end: int) -> syntax.Param:
        return syntax.Param(self._span(start, end), self._word(children[0]), children[1])

    def wildcard(self, children: Children, start: int, end: int) -> syntax.Wildcard:
        name, (_, first, last, _) = children
        regex = parse_plain(self.source, first, last, self.diagnostics)
        return syntax.Wildcard(self._span(start, end), self._word(name), regex, self._span(first, last))

    def defaults(self, children: Children, start: int, end: int) -> syntax.Defaults:
        return syntax.Defaults(self._span(start, end), None, tuple(children))

    def site_defaults(self, children: Children, start: int, end: int) -> syntax.Defaults:
        return syntax.Defaults(self._span(start, end), self._word(children[0]), tuple(children[1:]))

    def include(self, children: Children, start: int, end: int) -> syntax.Include:
        return syntax.Include(self._span(start, end), self._string(children[0]))

    def prefer(self, children: Children, start: int, end: int) -> syntax.Prefer:
        return syntax.Prefer(self._span(start, end), self._word(children[0]), self._word(children[1]))

    # ------------------------------------------------------------ attributes

    def attribute(self, children: Children, start: int, end: int) -> syntax.Attribute:
        return syntax.Attribute(self._span(start, end), self._word(children[0]), children[1])

    def shell(self, children: Children, start: int, end: int) -> syntax.Attribute:
        name, *words, (_, first, last, raw) = children
        interpreter = tuple(self._word(word) for word in words)
        block = syntax.Block(self._span(first, last), raw.text, self.source, raw.lines, interpreter)
        return syntax.Attribute(self._span(start, end), self._word(name), block)

    def items(self, children: Children, start: int, end: int) -> syntax.Items:
        first = children[0].span.start  # behind the newline, if there is one
        return syntax.Items(self._span(first, end), tuple(children))

    def items_line(self, children: Children, start: int, end: int) -> syntax.Items:
        return self.items(children, start, end)

    def item(self, children: Children, start: int, end: int) -> syntax.Item:
        *modifiers, value = children
        return syntax.Item(self._span(start, end), value, None, tuple(self._word(each) for each in modifiers))

    def named(self, children: Children, start: int, end: int) -> syntax.Item:
        name, *modifiers, value = children
        words = tuple(self._word(each) for each in modifiers)
        return syntax.Item(self._span(start, end), value, self._word(name), words)

    # ------------------------------------------------------------ expressions

    def comprehension(self, children: Children, start: int, end: int) -> syntax.Comprehension:
        return syntax.Comprehension(self._span(start, end), children[0], tuple(children[1:]))

    def filtered(self, children: Children, start: int, end: int) -> syntax.Comprehension:
        return syntax.Comprehension(self._span(start, end), children[0], tuple(children[1:-1]), children[-1])

    def in_clause(self, children: Children, start: int, end: int) -> syntax.InClause:
        *names, _, values = children
        return syntax.InClause(self._span(start, end), tuple(self._word(name) for name in names), values)

    def each_clause(self, children: Children, start: int, end: int) -> syntax.EachClause:
        return syntax.EachClause(self._span(start, end), self._string(children[0]))

    def conditional(self, children: Children, start: int, end: int) -> syntax.Conditional:
        return syntax.Conditional(self._span(start, end), *children)

    def binary(self, children: Children, start: int, end: int) -> syntax.Binary:
        left, operator, right = children
        return syntax.Binary(self._span(start, end), operator[3], left, right)

    def unary(self, children: Children, start: int, end: int) -> syntax.Unary:
        operator, operand = children
        return syntax.Unary(self._span(start, end), operator[3], operand)

    def comparison(self, children: Children, start: int, end: int) -> syntax.Comparison:
        return syntax.Comparison(self._span(start, end), tuple(children[::2]), tuple(children[1::2]))

    def comparator(self, children: Children, start: int, end: int) -> str:
        return " ".join(token[3] for token in children)

    def range(self, children: Children, start: int, end: int) -> syntax.Range:
        return syntax.Range(self._span(start, end), *children)

    def index(self, children: Children, start: int, end: int) -> syntax.Index:
        return syntax.Index(self._span(start, end), *children)

    def member_of(self, children: Children, start: int, end: int) -> syntax.Member:
        return syntax.Member(self._span(start, end), children[0], self._word(children[1]))

    def call(self, children: Children, start: int, end: int) -> syntax.Call:
        name, *arguments = children
        plain = tuple(each for each in arguments if not isinstance(each, syntax.Keyword))
        named = tuple(each for each in arguments if isinstance(each, syntax.Keyword))
        return syntax.Call(self._span(start, end), self._word(name), plain, named)

    def keyword(self, children: Children, start: int, end: int) -> syntax.Keyword:
        return syntax.Keyword(self._span(start, end), self._word(children[0]), children[1])

    def string(self, children: Children, start: int, end: int) -> syntax.String:
        return self._string(children[0])

    def number(self, children: Children, start: int, end: int) -> syntax.Number:
        return syntax.Number(self._span(start, end), children[0][3])

    def duration(self, children: Children, start: int, end: int) -> syntax.Duration:
        return syntax.Duration(self._span(start, end), children[0][3])

    def size(self, children: Children, start: int, end: int) -> syntax.Size:
        return syntax.Size(self._span(start, end), children[0][3])

    def true(self, children: Children, start: int, end: int) -> syntax.Boolean:
        return syntax.Boolean(self._span(start, end), value=True)

    def false(self, children: Children, start: int, end: int) -> syntax.Boolean:
        return syntax.Boolean(self._span(start, end), value=False)

    def name(self, children: Children, start: int, end: int) -> syntax.Name:
        return syntax.Name(self._span(start, end), children[0][3])

    def each(self, children: Children, start: int, end: int) -> syntax.Each:
        return syntax.Each(self._span(start, end), self._string(children[0]))

    def list(self, children: Children, start: int, end: int) -> syntax.ListOf:
        return syntax.ListOf(self._span(start, end), tuple(children))

    def parentheses(self, children: Children, start: int, end: int) -> syntax.Expr:
        inner: syntax.Expr = children[0]
        return inner.replace(span=self._span(start, end))
