"""The files for editors say the same words as the language, and colour the examples."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest
from wfiles import EXAMPLES

from hpcmake.parser.lexer import Lexer
from hpcmake.parser.parse import parse
from hpcmake.parser.tokens import ATTRIBUTES, KEYWORDS, MODIFIERS, SHELL_WORDS, STATEMENTS
from hpcmake.syntax import Brace, Node
from hpcmake.text import Source
from hpcmake.units import DURATIONS, SIZES

if TYPE_CHECKING:
    from collections.abc import Iterator

EDITORS = os.path.join(os.path.dirname(__file__), "..", "editors")
FILES = ["hpcmake.tmLanguage.json", "vim/syntax/wfile.vim"]
WORDS = [*KEYWORDS, *STATEMENTS, *SHELL_WORDS, *MODIFIERS, *ATTRIBUTES, *SIZES, "on", "over", "file"]
FUNCTIONS = [
    "lines",
    "table",
    "json",
    "toml",
    "first",
    "size",
    "len",
    "min",
    "max",
    "sum",
    "sorted",
    "unique",
    "zip",
    "range",
    "int",
    "float",
    "str",
    "join",
    "split",
    "replace",
    "upper",
    "lower",
    "name",
    "stem",
    "suffix",
    "parent",
    "env",
]


def _read(name: str) -> str:
    with open(os.path.join(EDITORS, name), encoding="utf-8") as file:
        return file.read()


def _patterns(value: object) -> Iterator[tuple[str, str]]:
    """Yield each regular expression of the TextMate grammar with the name of its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("match", "begin", "end"):
                yield key, str(inner)
            else:
                yield from _patterns(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _patterns(inner)


GRAMMAR = json.loads(_read("hpcmake.tmLanguage.json"))
RULES = GRAMMAR["repository"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("word", [*WORDS, *FUNCTIONS])
def test_every_word_of_the_language_is_known(name: str, word: str) -> None:
    assert re.search(rf"\b{word}\b", _read(name))


@pytest.mark.parametrize("name", FILES)
def test_every_unit_of_time_is_known(name: str) -> None:
    assert set(DURATIONS) == set("dhms")
    assert "[dhms]" in _read(name)


def test_every_pattern_is_a_regular_expression() -> None:
    found = list(_patterns(GRAMMAR))
    assert len(found) > 20
    for _, pattern in found:
        re.compile(pattern.replace(r"\1", ""))  # an end may name a group of its begin


def test_what_is_included_is_there() -> None:
    included = set(re.findall(r'"include": "#(\w+)"', _read("hpcmake.tmLanguage.json")))
    assert included == set(RULES)


def _braces(value: object) -> Iterator[Brace]:
    if isinstance(value, Brace):
        yield value
    elif isinstance(value, Node):
        for field in type(value)._fields:
            yield from _braces(getattr(value, field))
    elif isinstance(value, tuple):
        for each in value:
            yield from _braces(each)


@pytest.mark.parametrize("title", EXAMPLES)
def test_names_in_braces_are_coloured_as_they_are_read(title: str) -> None:
    pattern = re.compile(RULES["brace"]["match"])
    tree = parse(Source("Wfile", EXAMPLES[title]))
    for brace in _braces(tree.statements):
        assert pattern.fullmatch(brace.span.text)
    assert not pattern.search("${HOME} {a,b} {1..9} {print $1} { print }")


@pytest.mark.parametrize("title", EXAMPLES)
def test_heads_of_lines_are_coloured_as_they_are_read(title: str) -> None:
    text = EXAMPLES[title]
    statements = [re.compile(rule["match"]) for rule in RULES["statement"]["patterns"]]
    attribute, shell = re.compile(RULES["attribute"]["match"]), re.compile(RULES["shell"]["begin"])
    for line in Lexer(Source("Wfile", text)).lines():
        tokens = [token for token in line.tokens if token[0] not in ("_INDENT", "_DEDENT")]
        if not tokens:
            continue
        kind, start, _, word = tokens[0]
        written = text[text.rfind("\n", 0, start) + 1 : text.find("\n", start)]
        if kind == "SHELL":
            assert shell.match(written)
        elif kind in STATEMENTS.values():
            assert any(each.match(written) for each in statements)
        elif word in ATTRIBUTES:
            assert attribute.match(written)


def test_shell_text_ends_where_it_is_read_to_end() -> None:
    text = EXAMPLES["everything"]
    shell = RULES["shell"]
    for line in Lexer(Source("Wfile", text)).lines():
        for kind, start, end, _ in line.tokens:
            if kind != "BLOCK":
                continue
            head = text[: line.tokens[-3][2]]
            begin = re.search(shell["begin"] + r"\Z", head, re.MULTILINE)
            assert begin
            ends = re.compile(shell["end"].replace(r"\1", begin[1]), re.MULTILINE)
            assert not ends.search(text, text.find("\n", begin.start()) + 1, end)
            following = ends.search(text, text.find("\n", start) + 1)
            assert following is None or following.start() >= end
