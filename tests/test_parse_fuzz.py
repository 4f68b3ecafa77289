"""Whatever the text, reading it ends: with a tree, or with mistakes that each have a place and a mend."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wfiles import EXAMPLES

from hpcmake.diagnostics import Trouble, render_all
from hpcmake.parser.format import render
from hpcmake.parser.parse import decode, parse
from hpcmake.syntax import Wfile
from hpcmake.text import Source

_PIECES = [
    *['"', "'", "{", "}", "{{", "[", "]", "(", ")", ":", "=", "==", ",", "..", "-", "#", "\\", "!", ".", "\\u12"],
    *["\n", "\r\n", "\r", "    ", "\t", " ", "\n        ", "\x0c", "\u2028", "é", "\U0001f600", "\0"],
    *[
        "if",
        "else",
        "for",
        "in",
        "each",
        "not",
        "and",
        "rule a:",
        "target b:",
        "let x = ",
        "defaults on s:",
        "wildcard",
    ],
    *[
        "run:",
        "run python:",
        "post:",
        "input:",
        "maybe ",
        "x",
        "1",
        "2h",
        "5M",
        "1e5",
        'f"',
        "{x}",
        "{k-1}",
        "prefer a over",
    ],
]
_HUGE = 1_000_000


def _outcome(text: str) -> Wfile | Trouble:
    try:
        return parse(Source("Wfile", text))
    except Trouble as trouble:
        return trouble


def _read(text: str) -> Wfile | None:
    """Parse, and hold what must be true of any outcome."""
    tree = _outcome(text)
    if isinstance(tree, Trouble):
        assert tree.diagnostics
        for each in tree.diagnostics:
            assert each.help
            assert each.span is not None
            assert 0 <= each.span.start <= each.span.end <= len(text)
        assert render_all(tree.diagnostics)
        return None
    once = render(tree)
    again = parse(Source("Wfile", once))
    assert again == tree
    assert render(again) == once
    return tree


@given(st.binary(max_size=200))
def test_bytes(raw: bytes) -> None:
    try:
        text = decode("Wfile", raw).text
    except Trouble:
        text = raw.decode("latin-1")
    _read(text)


@given(st.lists(st.sampled_from(_PIECES), max_size=40).map("".join))
def test_words_of_the_language_in_any_order(text: str) -> None:
    _read(text)


@settings(max_examples=300)
@given(st.sampled_from(list(EXAMPLES.values())), st.data())
def test_examples_with_changes(text: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.sampled_from([0, 0, 1, 4, 30])))
        text = text[:start] + data.draw(st.sampled_from(_PIECES)) + text[end:]
    _read(text)


@pytest.mark.parametrize("opening", ["[", "(", "f(", "x[", "[1 + ", "f(a=", "(not ", "((1, "])
def test_ten_thousand_nested_brackets(opening: str) -> None:
    text = "let x = " + opening * 10_000
    assert _read(text) is None
    assert _read(text + "]" * 10_000) is None


@pytest.mark.parametrize("operator", ["1 + ", "not ", "-", "1 if x else ", "x.", "1 < ", "x[0]", "1 .. ", "1 in "])
def test_ten_thousand_operators_in_a_row(operator: str) -> None:
    assert _read("let x = " + operator * 10_000 + "1") is None


@pytest.mark.parametrize(
    "line",
    [
        '"' + "a" * _HUGE + '"',
        '"' + "a{b[" * (_HUGE // 4),
        '"' + "{" * _HUGE + '"',
        '"' + "{a-}" * (_HUGE // 4) + '"',
        '"' + '{a["' * (_HUGE // 4) + '"',
        '"' + "\\q" * (_HUGE // 2) + '"',
        "'" * (_HUGE + 1),
        "1" * _HUGE,
        "1h" * (_HUGE // 2),
        "a" * _HUGE,
        "é" * _HUGE,
        "?" * _HUGE,
        " " * _HUGE,
        "#" * _HUGE,
        "a " * (_HUGE // 2),
        "[)" * (_HUGE // 2),
    ],
    ids=lambda line: line[:5],
)
def test_a_line_of_a_million_letters(line: str) -> None:
    for text in (f"let x = {line}\n", f"{line}\n", f"rule a:\n    run {line}:\n"):
        told = _outcome(text)
        assert isinstance(told, Wfile) or len(render_all(told.diagnostics)) < 100_000, "a message as long as the line"


def test_a_million_brackets_that_are_never_closed() -> None:
    assert _read("let x = [\n" * 100_000) is None


def test_stairs_of_indentation() -> None:
    assert _read("\n".join(" " * depth + "a:" for depth in range(1500))) is None
    assert _read("\n".join(" " * depth + "run:" for depth in range(1500))) is None


def test_a_hundred_thousand_rules() -> None:
    text = "".join(
        f'rule r{index}:\n    input: "a{index}"\n    output: "b{index}"\n    run: cp {{input}} {{output}}\n'
        for index in range(100_000)
    )
    assert len(parse(Source("Wfile", text)).statements) == 100_000


def test_a_hundred_thousand_mistakes() -> None:
    with pytest.raises(Trouble) as caught:
        parse(Source("Wfile", "rule r:\n    input 'a'\n" * 100_000))
    assert len(caught.value.diagnostics) == 100
