"""The nodes of the syntax tree, made as the grammar recognises them.

Owns which reduction makes which node, and where that node stands.  Knows nothing of the order in which tokens may come.
"""

# ruff: noqa: D102, ARG002  # each method is a rule of the grammar, and is called like every other

from __future__ import annotations

from hpcmake import syntax
from hpcmake.parser.strings import parse_plain, parse_string
from hpcmake.parser.swift import maker
from hpcmake.text import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hpcmake.diagnostics import Diagnostic
    from hpcmake.parser.tokens import Token
    from hpcmake.text import Source

    Children = list[Any]  # nodes, and tokens where the grammar says a terminal

_span = maker(Span)
_word = maker(syntax.Word)
_rule = maker(syntax.Rule)
_let = maker(syntax.Let)
_attribute = maker(syntax.Attribute)
_items = maker(syntax.Items)
_item = maker(syntax.Item)
_block = maker(syntax.Block)
_comprehension = maker(syntax.Comprehension)
_inclause = maker(syntax.InClause)
_eachclause = maker(syntax.EachClause)
_binary = maker(syntax.Binary)
_call = maker(syntax.Call)
_number = maker(syntax.Number)
_duration = maker(syntax.Duration)
_size = maker(syntax.Size)
_name = maker(syntax.Name)
_each = maker(syntax.Each)
_listof = maker(syntax.ListOf)


class Builder:
    """Makes the nodes of one source; each method is a rule or an alias of the grammar.

    Mistakes inside strings are appended to `diagnostics`, and the string is made all the same.
    """

    def __init__(self, source: Source, diagnostics: list[Diagnostic]) -> None:
        self.source = source
        self.diagnostics = diagnostics

    def _word(self, token: Token) -> syntax.Word:
        return _word(_span(self.source, token[1], token[2]), str(token[3]))

    def _string(self, token: Token) -> syntax.String:
        return parse_string(self.source, token[1], token[2], self.diagnostics)

    # ------------------------------------------------------------ statements

    def wfile(self, children: Children, start: int, end: int) -> tuple[Any, ...]:
        return tuple(children)

    def rule(self, children: Children, start: int, end: int) -> syntax.Rule:
        return _rule(_span(self.source, start, end), self._word(children[0]), tuple(children[1:]))

    def target(self, children: Children, start: int, end: int) -> syntax.Target:
        return syntax.Target(_span(self.source, start, end), self._word(children[0]), children[1])

    def let(self, children: Children, start: int, end: int) -> syntax.Let:
        return _let(_span(self.source, start, end), self._word(children[0]), children[1])

    def param(self, children: Children, start: int, end: int) -> syntax.Param:
        return syntax.Param(_span(self.source, start, end), self._word(children[0]), children[1])

    def wildcard(self, children: Children, start: int, end: int) -> syntax.Wildcard:
        name, (_, first, last, _) = children
        regex = parse_plain(self.source, first, last, self.diagnostics)
        return syntax.Wildcard(_span(self.source, start, end), self._word(name), regex, _span(self.source, first, last))

    def defaults(self, children: Children, start: int, end: int) -> syntax.Defaults:
        return syntax.Defaults(_span(self.source, start, end), None, tuple(children))

    def site_defaults(self, children: Children, start: int, end: int) -> syntax.Defaults:
        return syntax.Defaults(_span(self.source, start, end), self._word(children[0]), tuple(children[1:]))

    def include(self, children: Children, start: int, end: int) -> syntax.Include:
        return syntax.Include(_span(self.source, start, end), self._string(children[0]))

    def prefer(self, children: Children, start: int, end: int) -> syntax.Prefer:
        return syntax.Prefer(_span(self.source, start, end), self._word(children[0]), self._word(children[1]))

    # ------------------------------------------------------------ attributes

    def attribute(self, children: Children, start: int, end: int) -> syntax.Attribute:
        return _attribute(_span(self.source, start, end), self._word(children[0]), children[1])

    def shell(self, children: Children, start: int, end: int) -> syntax.Attribute:
        name, *words, (_, first, last, raw) = children
        interpreter = tuple(self._word(word) for word in words)
        block = _block(_span(self.source, first, last), raw.text, self.source, raw.lines, interpreter)
        return _attribute(_span(self.source, start, end), self._word(name), block)

    def items(self, children: Children, start: int, end: int) -> syntax.Items:
        first = children[0].span.start  # behind the newline, if there is one
        return _items(_span(self.source, first, end), tuple(children))

    def items_line(self, children: Children, start: int, end: int) -> syntax.Items:
        return self.items(children, start, end)

    def item(self, children: Children, start: int, end: int) -> syntax.Item:
        *modifiers, value = children
        return _item(_span(self.source, start, end), value, None, tuple(self._word(each) for each in modifiers))

    def named(self, children: Children, start: int, end: int) -> syntax.Item:
        name, *modifiers, value = children
        words = tuple(self._word(each) for each in modifiers)
        return _item(_span(self.source, start, end), value, self._word(name), words)

    # ------------------------------------------------------------ expressions

    def comprehension(self, children: Children, start: int, end: int) -> syntax.Comprehension:
        return _comprehension(_span(self.source, start, end), children[0], tuple(children[1:]), None)

    def filtered(self, children: Children, start: int, end: int) -> syntax.Comprehension:
        return _comprehension(_span(self.source, start, end), children[0], tuple(children[1:-1]), children[-1])

    def in_clause(self, children: Children, start: int, end: int) -> syntax.InClause:
        *names, _, values = children
        return _inclause(_span(self.source, start, end), tuple(self._word(name) for name in names), values)

    def each_clause(self, children: Children, start: int, end: int) -> syntax.EachClause:
        return _eachclause(_span(self.source, start, end), self._string(children[0]))

    def conditional(self, children: Children, start: int, end: int) -> syntax.Conditional:
        return syntax.Conditional(_span(self.source, start, end), *children)

    def binary(self, children: Children, start: int, end: int) -> syntax.Binary:
        left, operator, right = children
        return _binary(_span(self.source, start, end), operator[3], left, right)

    def unary(self, children: Children, start: int, end: int) -> syntax.Unary:
        operator, operand = children
        return syntax.Unary(_span(self.source, start, end), operator[3], operand)

    def comparison(self, children: Children, start: int, end: int) -> syntax.Comparison:
        return syntax.Comparison(_span(self.source, start, end), tuple(children[::2]), tuple(children[1::2]))

    def comparator(self, children: Children, start: int, end: int) -> str:
        return " ".join(token[3] for token in children)

    def range(self, children: Children, start: int, end: int) -> syntax.Range:
        return syntax.Range(_span(self.source, start, end), *children)

    def index(self, children: Children, start: int, end: int) -> syntax.Index:
        return syntax.Index(_span(self.source, start, end), *children)

    def member_of(self, children: Children, start: int, end: int) -> syntax.Member:
        return syntax.Member(_span(self.source, start, end), children[0], self._word(children[1]))

    def call(self, children: Children, start: int, end: int) -> syntax.Call:
        name, *arguments = children
        plain = tuple(each for each in arguments if not isinstance(each, syntax.Keyword))
        named = tuple(each for each in arguments if isinstance(each, syntax.Keyword))
        return _call(_span(self.source, start, end), self._word(name), plain, named)

    def keyword(self, children: Children, start: int, end: int) -> syntax.Keyword:
        return syntax.Keyword(_span(self.source, start, end), self._word(children[0]), children[1])

    def string(self, children: Children, start: int, end: int) -> syntax.String:
        return self._string(children[0])

    def number(self, children: Children, start: int, end: int) -> syntax.Number:
        return _number(_span(self.source, start, end), children[0][3])

    def duration(self, children: Children, start: int, end: int) -> syntax.Duration:
        return _duration(_span(self.source, start, end), children[0][3])

    def size(self, children: Children, start: int, end: int) -> syntax.Size:
        return _size(_span(self.source, start, end), children[0][3])

    def true(self, children: Children, start: int, end: int) -> syntax.Boolean:
        return syntax.Boolean(_span(self.source, start, end), value=True)

    def false(self, children: Children, start: int, end: int) -> syntax.Boolean:
        return syntax.Boolean(_span(self.source, start, end), value=False)

    def name(self, children: Children, start: int, end: int) -> syntax.Name:
        return _name(_span(self.source, start, end), children[0][3])

    def each(self, children: Children, start: int, end: int) -> syntax.Each:
        return _each(_span(self.source, start, end), self._string(children[0]))

    def list(self, children: Children, start: int, end: int) -> syntax.ListOf:
        return _listof(_span(self.source, start, end), tuple(children))

    def parentheses(self, children: Children, start: int, end: int) -> syntax.Expr:
        inner: syntax.Expr = children[0]
        return inner.replace(span=_span(self.source, start, end))
