"""From text to lines of tokens: indentation, shell text, strings and numbers, each at its place."""

from __future__ import annotations

import pytest

from hpcmake.parser.lexer import Lexer
from hpcmake.parser.tokens import Raw
from hpcmake.text import Source


def _kinds(text: str) -> list[str]:
    lexer = Lexer(Source("Wfile", text))
    kinds = [token[0] for line in lexer.lines() for token in line.tokens]
    assert lexer.diagnostics == []
    return kinds


def _texts(text: str) -> list[str]:
    return [text[token[1] : token[2]] for line in Lexer(Source("Wfile", text)).lines() for token in line.tokens]


def _shell(text: str) -> Raw:
    lexer = Lexer(Source("Wfile", text))
    raws = [token[3] for line in lexer.lines() for token in line.tokens if token[0] == "BLOCK"]
    assert lexer.diagnostics == []
    assert isinstance(raws[0], Raw)
    return raws[0]


def test_indentation_becomes_tokens() -> None:
    assert _kinds("rule a:\n  log: b\n\n# c\n  env:\n     X = 1\nlet y = 2\n") == [
        *["_RULE", "NAME", "_COLON", "_NEWLINE"],
        *["_INDENT", "NAME", "_COLON", "NAME", "_NEWLINE"],
        *["NAME", "_COLON", "_NEWLINE", "_INDENT", "NAME", "_EQUAL", "NUMBER", "_NEWLINE"],
        *["_DEDENT", "_DEDENT", "_LET", "NAME", "_EQUAL", "NUMBER", "_NEWLINE"],
    ]


def test_blocks_are_closed_at_the_end_of_the_text_even_without_a_newline() -> None:
    assert _kinds("rule a:\n  env:\n    X = 1")[-4:] == ["NUMBER", "_NEWLINE", "_DEDENT", "_DEDENT"]


def test_each_token_knows_its_place() -> None:
    assert _texts('let x = f(1.5, "a b")') == ["let", "x", "=", "f", "(", "1.5", ",", '"a b"', ")", ""]


def test_words_of_statements_are_names_elsewhere() -> None:
    assert _kinds("let rule = let + on + over") == [
        *["_LET", "NAME", "_EQUAL", "NAME", "PLUS", "NAME", "PLUS", "NAME", "_NEWLINE"]
    ]
    assert _kinds("prefer over over over") == ["_PREFER", "NAME", "_OVER", "NAME", "_NEWLINE"]
    assert _kinds("defaults on on:")[:3] == ["_DEFAULTS", "_ON", "NAME"]


def test_a_field_may_bear_any_name() -> None:
    assert _kinds("let a = x.in.for") == [*["_LET", "NAME", "_EQUAL"], *["NAME", "_DOT"] * 2, "NAME", "_NEWLINE"]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("1..20", ["NUMBER", "_DOTS", "NUMBER"]),
        ("0.5..1.5", ["NUMBER", "_DOTS", "NUMBER"]),
        ("1h30m", ["DURATION"]),
        ("1.5GiB", ["SIZE"]),
        ("10kB", ["SIZE"]),
        ("x[0].y", ["NAME", "_LSQB", "NUMBER", "_RSQB", "_DOT", "NAME"]),
        ("7 // 2 != 3", ["NUMBER", "FLOOR", "NUMBER", "NE", "NUMBER"]),
    ],
)
def test_numbers_and_signs(text: str, kinds: list[str]) -> None:
    assert _kinds(f"let a = {text}")[3:-1] == kinds


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ('maybe "f"', ["MODIFIER", "STRING"]),
        ('x = order temp "f"', ["NAME", "_EQUAL", "MODIFIER", "MODIFIER", "STRING"]),
        ("maybe each 'f'", ["MODIFIER", "_EACH", "STRING"]),
        ("order x", ["MODIFIER", "NAME"]),
        ("order", ["NAME"]),
        ("order if x else y", ["NAME", "_IF", "NAME", "_ELSE", "NAME"]),
        ("order(x)", ["NAME", "_LPAR", "NAME", "_RPAR"]),
        ("order (x)", ["MODIFIER", "_LPAR", "NAME", "_RPAR"]),
        ("size (x)", ["NAME", "_LPAR", "NAME", "_RPAR"]),
        ("order - 1", ["NAME", "MINUS", "NUMBER"]),
    ],
)
def test_a_name_in_front_of_a_value_is_a_modifier(text: str, kinds: list[str]) -> None:
    assert _kinds(f"target t: {text}")[3:-1] == kinds


def test_newlines_are_free_inside_brackets_and_behind_a_comma_before_a_deeper_line() -> None:
    assert _kinds("let a = [\n1,\n\n  # c\n2\n]").count("_NEWLINE") == 1
    assert _kinds('target t: "a",\n\n  # c\n  "b",\n    "c"\nlet x = 1').count("_NEWLINE") == 2
    assert _kinds('rule r:\n  input: "a",\n  log: "b"').count("_NEWLINE") == 3


def test_quotes_inside_a_brace_group_belong_to_it() -> None:
    assert _texts("""let a = "x{t["k"].y}" + 'z{t['k']}'""")[3:-1] == ['"x{t["k"].y}"', "+", "'z{t['k']}'"]


def test_a_hash_in_a_string_begins_no_comment() -> None:
    lexer = Lexer(Source("Wfile", 'let a = "#" # b\n   # c  '))
    assert len(list(lexer.lines())) == 1
    assert [(comment.text, comment.own_line) for comment in lexer.comments] == [("# b", False), ("# c", True)]


def test_shell_text_is_dedented_by_its_first_line_and_keeps_what_lies_beyond() -> None:
    raw = _shell("rule a:\n  run:\n\n    one # x\n      two\n\n    \tthree  \n\n\n  log: 'b'\n")
    assert raw.text == "one # x\n  two\n\n\tthree  \n"


def test_each_line_of_shell_text_knows_its_place() -> None:
    text = "rule a:\n  run:\n    one\n\n      two\n"
    raw = _shell(text)
    assert [text[offset : offset + 5] for offset in raw.lines] == ["one\n\n", "\n    ", "  two"]


def test_shell_text_may_begin_behind_the_colon() -> None:
    assert _shell("rule a:\n  run:  echo a: b  # c \n  log: 'b'").text == "echo a: b  # c\n"
    assert _shell("rule a:\n  run: x \\\n       y\n         z\n").text == "x \\\ny\n  z\n"


def test_words_behind_run_name_its_interpreter() -> None:
    assert _kinds("rule a:\n  run python3 -u:\n    x = {y\n")[5:-2] == ["SHELL", "WORD", "WORD", "_COLON", "BLOCK"]


def test_shell_text_ends_where_the_file_does() -> None:
    assert _shell("rule a:\n  run:\n    one").text == "one\n"
    assert _shell("rule a:\n  run: one").text == "one\n"


def test_lines_may_end_as_on_windows() -> None:
    text = "rule a:\r\n  log: 'b' # c\r\n\r\n  run:\r\n    one\r\n\r\n    two\r\n"
    assert _kinds(text) == _kinds(text.replace("\r\n", "\n"))
    assert _shell(text).text == "one\n\ntwo\n"
