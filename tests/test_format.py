"""`hpcmake fmt`: the canonical form says the same as what was written, and is its own canonical form."""

from __future__ import annotations

import pytest
from hypothesis import given
from wfiles import EXAMPLES, sources

from hpcmake.parser.format import render
from hpcmake.parser.parse import parse
from hpcmake.text import Source


def _formatted(text: str) -> str:
    return render(parse(Source("Wfile", text)))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_in_canonical_form(name: str) -> None:
    assert _formatted(EXAMPLES[name]) == EXAMPLES[name]


@given(sources)
def test_what_is_formatted_says_the_same_and_stays_as_it_is(text: str) -> None:
    tree = parse(Source("Wfile", text))
    once = render(tree)
    again = parse(Source("Wfile", once))
    assert again == tree
    assert render(again) == once


def test_indentation_is_four_spaces_and_spaces_stand_around_signs() -> None:
    assert _formatted("rule a:\n  let x=-1+f( a ,b = 2 )[ 0 ]. y..3\n  output :'o' ,\n  run:\n      x\n") == (
        "rule a:\n    let x = -1 + f(a, b=2)[0].y..3\n    output: 'o'\n    run:\n        x\n"
    )


def test_named_items_line_by_line_are_aligned() -> None:
    assert _formatted('target t:\n a = "x"\n long  = temp "y"\n\n b = "z"\n') == (
        'target t:\n    a    = "x"\n    long = temp "y"\n\n    b = "z"\n'
    )


def test_blank_lines_stand_around_blocks_and_comments_stay_with_what_follows() -> None:
    assert _formatted(
        "\n\nlet a = 1\nlet b = 2\n\n\n\nlet c = 3\n# of r\nrule r:\n\n  output: 'x'\n  run: y\n"
        "  # in r\n# of s\nrule s:\n"
        "  output: 'z'\n\n\n  # of run\n  run: w  # the shell's\nprefer r over s # why\n#end\n"
    ) == (
        "let a = 1\n"
        "let b = 2\n"
        "\n"
        "let c = 3\n"
        "\n"
        "# of r\n"
        "rule r:\n"
        "    output: 'x'\n"
        "    run: y\n"
        "    # in r\n"
        "\n"
        "# of s\n"
        "rule s:\n"
        "    output: 'z'\n"
        "\n"
        "    # of run\n"
        "    run: w  # the shell's\n"
        "\n"
        "prefer r over s  # why\n"
        "#end\n"
    )


def test_brackets_over_several_lines_keep_their_lines() -> None:
    assert _formatted("let x = [1, # one\n\n  f(2,\n  3),\n   # four\n 4]\nlet y = (\n1\n)\n") == (
        "let x = [1,  # one\n    f(2,\n        3),\n    # four\n    4]\n\nlet y = (\n    1\n)\n"
    )


def test_shell_text_is_kept_letter_by_letter() -> None:
    assert _formatted("rule a:\n  run:\n     if x;  then\n\n       \ty\n     fi   \n\n\n  log: 'l'\n") == (
        "rule a:\n    run:\n        if x;  then\n\n          \ty\n        fi   \n\n    log: 'l'\n"
    )


def test_an_empty_wfile_stays_empty() -> None:
    assert _formatted("\n  \n\n") == ""
