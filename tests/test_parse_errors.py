"""Every mistake of syntax: its whole message, with line, caret and mend.

The cases stand in syntax_mistakes.txt: a title, a Wfile, and behind a line of dashes what is told.
"""

from __future__ import annotations

import os

import pytest

from hpcmake.codes import CODES
from hpcmake.diagnostics import Trouble, render_all
from hpcmake.parser.parse import decode, parse
from hpcmake.text import Source

with open(os.path.join(os.path.dirname(__file__), "syntax_mistakes.txt"), encoding="utf-8") as _file:
    CASES = {
        title: tuple(rest.split("-----\n", 1))
        for title, rest in (case.split("\n", 1) for case in _file.read().split("##### ")[1:])
    }


def _told(text: str) -> str:
    with pytest.raises(Trouble) as caught:
        parse(Source("Wfile", text))
    return render_all(caught.value.diagnostics)


@pytest.mark.parametrize("title", CASES)
def test_a_mistake_is_told_with_its_place_and_its_mend(title: str) -> None:
    text, told = CASES[title]
    assert _told(text) == told


def test_every_code_of_the_parser_has_a_case() -> None:
    told = "".join(message for _, message in CASES.values())
    missing = [code for code in CODES if code.startswith("E1") and code != "E100" and f"error[{code}]" not in told]
    assert not missing


def test_every_mistake_offers_a_mend() -> None:
    for text, _ in CASES.values():
        with pytest.raises(Trouble) as caught:
            parse(Source("Wfile", text))
        assert all(each.help and each.span and each.code in CODES for each in caught.value.diagnostics)


def test_bytes_that_are_not_utf8_are_told_with_their_place() -> None:
    with pytest.raises(Trouble) as caught:
        decode("Wfile", "rule a:\n    output: 'é'\n".encode("latin-1"))
    assert render_all(caught.value.diagnostics) == (
        "error[E100]: the file is not UTF-8: byte 0xe9\n"
        " --> Wfile:2:14\n"
        "2 |     output: '\N{REPLACEMENT CHARACTER}'\n"
        "  |              ^\n"
        "  = help: save the file as UTF-8; from Latin-1: `iconv -f latin1 -t utf-8`\n"
    )


def test_a_nul_is_told_with_its_place() -> None:
    with pytest.raises(Trouble) as caught:
        decode("Wfile", b"let a = 1\nlet \0 = 2\n")
    assert render_all(caught.value.diagnostics) == (
        "error[E100]: the file holds a NUL\n"
        " --> Wfile:2:5\n"
        "2 | let \N{REPLACEMENT CHARACTER} = 2\n"
        "  |     ^\n"
        "  = help: remove the NUL: a Wfile is plain text\n"
    )


def test_a_mistake_in_one_rule_hides_none_in_the_next() -> None:
    told = _told("".join(f'rule r{index}:\n    output "x{index}"\n    run: y\n' for index in range(5)))
    assert told.count("needs a colon") == 5


def test_a_hundred_mistakes_are_enough() -> None:
    assert _told("let a = \n" * 1000).count("error[") == 100


def test_shell_text_below_a_mistake_is_not_read_as_something_else() -> None:
    told = _told('rul a:\n    run:\n        if [ "{x" ]; then\n          y: 3\n        fi\n    output: "x"\n')
    assert told.count("error[") == 1
