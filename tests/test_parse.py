"""From text to the tree of what was written."""

from __future__ import annotations

import os

import pytest
from wfiles import EXAMPLES

from hpcmake import syntax
from hpcmake.parser.parse import decode, parse
from hpcmake.syntax import (
    Attribute,
    Binary,
    Block,
    Boolean,
    Brace,
    Call,
    Comparison,
    Comprehension,
    Conditional,
    Defaults,
    Duration,
    Each,
    EachClause,
    Expr,
    Field,
    InClause,
    Include,
    Index,
    Item,
    Items,
    Keyword,
    Let,
    ListOf,
    Member,
    Name,
    Node,
    Number,
    Param,
    Position,
    Prefer,
    Range,
    Rule,
    Size,
    String,
    Target,
    Text,
    Unary,
    Wfile,
    Wildcard,
    Word,
)
from hpcmake.text import Source, Span

HERE = Span(Source("anywhere", ""), 0, 0)  # places are not compared


def _parse(text: str) -> Wfile:
    return parse(Source("Wfile", text))


def _value(text: str) -> Expr:
    (statement,) = _parse(f"let value = {text}\n").statements
    assert isinstance(statement, Let)
    return statement.value


def _items(text: str) -> tuple[Item, ...]:
    (statement,) = _parse(f"target t: {text}\n").statements
    assert isinstance(statement, Target)
    return statement.items.items


def word(text: str) -> Word:
    return Word(HERE, text)


def name(text: str) -> Name:
    return Name(HERE, text)


def number(text: str) -> Number:
    return Number(HERE, text)


def string(*parts: Text | Brace | str, raw: bool = False) -> String:
    return String(HERE, tuple(Text(HERE, part) if isinstance(part, str) else part for part in parts), raw)


def brace(text: str, *path: Field | Position, pad: int | None = None, modifier: str | None = None) -> Brace:
    return Brace(HERE, word(text), path, pad, modifier)


def binary(left: Expr, operator: str, right: Expr) -> Binary:
    return Binary(HERE, operator, left, right)


@pytest.mark.parametrize("title", EXAMPLES)
def test_the_examples_parse(title: str) -> None:
    assert _parse(EXAMPLES[title]).statements


# ---------------------------------------------------------------- statements


def test_a_rule_holds_its_attributes_in_order() -> None:
    tree = _parse("rule a:\n    wildcard i: '\\d'\n    let n = 1\n    input: 'x'\n    run: y\n")
    (rule,) = tree.statements
    assert rule == Rule(
        HERE,
        word("a"),
        (
            Wildcard(HERE, word("i"), "\\d", HERE),
            Let(HERE, word("n"), number("1")),
            Attribute(HERE, word("input"), Items(HERE, (Item(HERE, string("x", raw=True)),))),
            Attribute(HERE, word("run"), Block(HERE, "y\n", HERE.source, ())),
        ),
    )


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("let a = 1", Let(HERE, word("a"), number("1"))),
        ("param a = true", Param(HERE, word("a"), Boolean(HERE, value=True))),
        ('wildcard w: "[a]{2}"', Wildcard(HERE, word("w"), "[a]{2}", HERE)),
        ('wildcard w: "\\\\d\\t"', Wildcard(HERE, word("w"), "\\d\t", HERE)),
        ('include "a*"', Include(HERE, string("a*"))),
        ("prefer a over b", Prefer(HERE, word("a"), word("b"))),
        ("target t: b", Target(HERE, word("t"), Items(HERE, (Item(HERE, name("b")),)))),
        (
            "defaults:\n  cores: 2",
            Defaults(HERE, None, (Attribute(HERE, word("cores"), Items(HERE, (Item(HERE, number("2")),))),)),
        ),
        (
            "defaults on theta:\n  setup: x",
            Defaults(HERE, word("theta"), (Attribute(HERE, word("setup"), Block(HERE, "x\n", HERE.source, ())),)),
        ),
    ],
)
def test_statements(text: str, statement: Node) -> None:
    assert _parse(text).statements == (statement,)


def test_an_empty_file_is_a_wfile() -> None:
    assert _parse("").statements == ()
    assert _parse("\n# only a comment").statements == ()


def test_comments_are_kept() -> None:
    tree = _parse("# one\nlet a = [1, # two\n  # three\n 2]\n")
    assert [(comment.text, comment.own_line) for comment in tree.comments] == [
        ("# one", True),
        ("# two", False),
        ("# three", True),
    ]


def test_an_interpreter_and_its_block() -> None:
    (rule,) = _parse("rule a:\n  run python3 -u:\n    if x:\n      # {y}\n").statements
    assert isinstance(rule, Rule)
    assert rule.body == (
        Attribute(HERE, word("run"), Block(HERE, "if x:\n  # {y}\n", HERE.source, (), (word("python3"), word("-u")))),
    )


# ---------------------------------------------------------------- items


def test_items_stand_on_one_line_or_one_a_line() -> None:
    assert _items("'a', b,") == _items("\n  'a'\n  b") == _items("\n  'a',\n  b,") == _items("'a',\n      b")


def test_an_item_has_a_name_modifiers_and_a_value() -> None:
    assert _items("x = order maybe 'f' for each 'g', temp 'h'") == (
        Item(
            HERE,
            Comprehension(HERE, string("f", raw=True), (EachClause(HERE, string("g", raw=True)),)),
            word("x"),
            (word("order"), word("maybe")),
        ),
        Item(HERE, string("h", raw=True), None, (word("temp"),)),
    )


def test_unknown_modifiers_are_left_to_others() -> None:
    assert _items("tmp 'a'")[0].modifiers == (word("tmp"),)


def test_a_comma_ends_a_comprehension() -> None:
    first, second = _items("x for x in y, z")
    assert isinstance(first.value, Comprehension)
    assert second.value == name("z")


# ---------------------------------------------------------------- expressions


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.25", number("0.25")),
        ("1h30m", Duration(HERE, "1h30m")),
        ("512MiB", Size(HERE, "512MiB")),
        ("false", Boolean(HERE, value=False)),
        ("[1, x,]", ListOf(HERE, (number("1"), name("x")))),
        ("[]", ListOf(HERE, ())),
        ("0..x + 1", Range(HERE, number("0"), binary(name("x"), "+", number("1")))),
        ("0..100..10", Range(HERE, number("0"), number("100"), number("10"))),
        ("1 - 2 - 3", binary(binary(number("1"), "-", number("2")), "-", number("3"))),
        ("1 + 2 * -x", binary(number("1"), "+", binary(number("2"), "*", Unary(HERE, "-", name("x"))))),
        ("(1 + 2) // 3", binary(binary(number("1"), "+", number("2")), "//", number("3"))),
        ("a or b and not c", binary(name("a"), "or", binary(name("b"), "and", Unary(HERE, "not", name("c"))))),
        ("1 < x <= 3", Comparison(HERE, (number("1"), name("x"), number("3")), ("<", "<="))),
        ("x in 1..3", Comparison(HERE, (name("x"), Range(HERE, number("1"), number("3"))), ("in",))),
        ("x not in y", Comparison(HERE, (name("x"), name("y")), ("not in",))),
        ("a if b else c", Conditional(HERE, name("a"), name("b"), name("c"))),
        (
            "a if b else c if d else e",
            Conditional(HERE, name("a"), name("b"), Conditional(HERE, name("c"), name("d"), name("e"))),
        ),
        ("x[0].y", Member(HERE, Index(HERE, name("x"), number("0")), word("y"))),
        ("f()", Call(HERE, word("f"), ())),
        (
            'table(x, key="id")["a"]',
            Index(
                HERE,
                Call(HERE, word("table"), (name("x"),), (Keyword(HERE, word("key"), string("id")),)),
                string("a"),
            ),
        ),
        ('each "x{i}"', Each(HERE, string("x", brace("i")))),
        ('len(each "x")', Call(HERE, word("len"), (Each(HERE, string("x")),))),
    ],
)
def test_expressions(text: str, value: Expr) -> None:
    assert _value(text) == value


def test_an_if_behind_a_clause_is_the_condition_of_the_comprehension() -> None:
    clause = InClause(HERE, (word("i"),), Range(HERE, number("1"), name("top")))
    condition = Comparison(HERE, (name("i"), number("2")), ("!=",))
    assert _value("[i for i in 1..top if i != 2]") == ListOf(
        HERE, (Comprehension(HERE, name("i"), (clause,), condition),)
    )


def test_the_item_of_a_comprehension_may_be_a_conditional() -> None:
    value = _value("a if b else c for x in y")
    assert isinstance(value, Comprehension)
    assert value.item == Conditional(HERE, name("a"), name("b"), name("c"))


def test_a_conditional_in_a_clause_stands_in_parentheses() -> None:
    value = _value("x for x in (a if b else c) for each 'p' if (d if e else f)")
    assert isinstance(value, Comprehension)
    assert isinstance(value.condition, Conditional)


def test_clauses_unpack() -> None:
    value = _value("a for a, b in c")
    assert isinstance(value, Comprehension)
    assert value.clauses == (InClause(HERE, (word("a"), word("b")), name("c")),)


def test_a_comprehension_may_be_an_argument() -> None:
    value = _value("first(r for r in 1..20 if x, default=20)")
    assert isinstance(value, Call)
    assert isinstance(value.arguments[0], Comprehension)
    assert value.keywords == (Keyword(HERE, word("default"), number("20")),)


# ---------------------------------------------------------------- strings


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('""', string()),
        (r'"a\n\t\"\\\u00e9"', string('a\n\t"\\é')),
        (r"'a\n'", string("a\\n", raw=True)),
        ('"{x}"', string(brace("x"))),
        ('"a{x}{y}b"', string("a", brace("x"), brace("y"), "b")),
        ("'{x}'", string(brace("x"), raw=True)),
        ('"{{x}} {{a,b}}"', string("{x} {a,b}")),
        ('"{{{x}}}"', string("{", brace("x"), "}")),
        ('"{x:04}"', string(brace("x", pad=4))),
        ('"{x!file}"', string(brace("x", modifier="file"))),
        (
            '"{x.y[0]["k k"][n]:02!r}"',
            string(
                brace(
                    "x",
                    Field(HERE, word("y")),
                    Position(HERE, 0),
                    Position(HERE, "k k"),
                    Position(HERE, word("n")),
                    pad=2,
                    modifier="r",
                )
            ),
        ),
        ("'{x['k']}'", string(brace("x", Position(HERE, "k")), raw=True)),
        (r'"{x[\"k\"]}"', string(brace("x", Position(HERE, "k")))),
        ('"$~*#"', string("$~*#")),
    ],
)
def test_strings(text: str, value: String) -> None:
    assert _value(text) == value


# ---------------------------------------------------------------- places


def _nodes(value: object) -> list[Node]:
    found: list[Node] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, tuple):
            waiting += each
        elif isinstance(each, Node):
            found.append(each)
            waiting += [getattr(each, field) for field in type(each)._fields]
    return found


def test_every_node_knows_its_place() -> None:
    text = "let v = max( (a + 1)[ 0 ].b , key= 'x{y.z[0]}' ) if not c else [p for q in 1..2 if p in q]  # why\n"
    (let,) = _parse(text).statements
    assert {(type(node).__name__, node.span.text) for node in _nodes(let)} == {
        ("Let", text.split("  #", maxsplit=1)[0]),
        ("Conditional", text.split("  #", maxsplit=1)[0][8:]),
        ("Call", "max( (a + 1)[ 0 ].b , key= 'x{y.z[0]}' )"),
        ("Member", "(a + 1)[ 0 ].b"),
        ("Index", "(a + 1)[ 0 ]"),
        ("Binary", "(a + 1)"),
        ("Keyword", "key= 'x{y.z[0]}'"),
        ("String", "'x{y.z[0]}'"),
        ("Text", "x"),
        ("Brace", "{y.z[0]}"),
        ("Field", ".z"),
        ("Position", "[0]"),
        ("Unary", "not c"),
        ("ListOf", "[p for q in 1..2 if p in q]"),
        ("Comprehension", "p for q in 1..2 if p in q"),
        ("InClause", "for q in 1..2"),
        ("Range", "1..2"),
        ("Comparison", "p in q"),
        *[("Name", each) for each in "acpq"],
        *[("Number", each) for each in "012"],
        *[("Word", each) for each in ("v", "max", "b", "key", "y", "z", "q")],
    }


def test_blocks_end_with_their_last_word() -> None:
    text = "rule a:\n    input: 'x'  # why\n\n    output:\n        'y'\n\n# of b\nrule b:\n    run:\n        z\n\n"
    first, second = _parse(text).statements
    assert first.span.text == "rule a:\n    input: 'x'  # why\n\n    output:\n        'y'"
    assert second.span.text == "rule b:\n    run:\n        z"


def test_places_in_shell_text_can_be_told() -> None:
    text = "rule a:\n    run:\n        one\n\n          two {x}\n"
    (rule,) = _parse(text).statements
    assert isinstance(rule, Rule)
    attribute = rule.body[0]
    assert isinstance(attribute, Attribute)
    block = attribute.value
    assert isinstance(block, Block)
    start = block.text.index("{x}")
    assert block.span_of(start, start + 3).text == "{x}"


# ---------------------------------------------------------------- depth and bytes


def test_200_brackets_are_deep_but_allowed() -> None:
    text = "let x = " + "[" * 200 + "1" + "]" * 200
    assert _parse(text) == _parse(text)


def test_250_operators_in_a_row_are_allowed() -> None:
    assert _parse("let x = " + "1 + " * 250 + "1") == _parse("let x = " + "1+" * 250 + "1")


def test_a_byte_order_mark_is_dropped() -> None:
    source = decode("Wfile", b"\xef\xbb\xbflet a = 1")
    assert source.text == "let a = 1"


def test_the_grammar_and_the_tree_say_the_same_words() -> None:
    with open(os.path.join(os.path.dirname(__file__), "..", "grammar", "wfile.lark"), encoding="utf-8") as file:
        grammar = file.read()
    for statement in (Rule, Target, Let, Param, Wildcard, Defaults, Include, Prefer):
        assert f"\n{statement.__name__.lower()}: _" in grammar
    assert syntax.Wfile.__name__.lower() in grammar
