"""The grammar: lark takes it in strict mode, and its tables survive the user's cache whatever happens to it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from wfiles import EXAMPLES

from hpcmake.parser import compiled, grammar, store
from hpcmake.parser.build import Builder
from hpcmake.parser.cache import parse_cached
from hpcmake.parser.grammar import compile_grammar, load_tables, read_grammar, render_compiled
from hpcmake.parser.lexer import Lexer
from hpcmake.parser.parse import parse
from hpcmake.text import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

WFILE = Source("Wfile", EXAMPLES["everything"])


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> str:
    """A cache folder that does not exist yet, no tables in memory, and a grammar for which there are none."""
    root = str(tmp_path_factory.mktemp("cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", root)
    monkeypatch.setattr(grammar, "_loaded", None)
    monkeypatch.setattr(compiled, "GRAMMAR", "that of another grammar")
    return os.path.join(root, "hpcmake")


def test_the_grammar_is_in_the_package_and_in_the_open() -> None:
    with open(os.path.join(os.path.dirname(__file__), "..", "grammar", "wfile.lark"), encoding="utf-8") as file:
        assert file.read() == read_grammar()


def test_the_compiled_tables_are_those_of_the_grammar() -> None:
    with open(compiled.__file__, encoding="utf-8") as file:
        assert file.read() == render_compiled(read_grammar()), "run `python -m hpcmake.parser.grammar`"


def test_no_lark_is_needed_to_parse() -> None:
    script = (
        "import sys\n"
        "from hpcmake.parser.parse import parse\n"
        "from hpcmake.text import Source\n"
        "parse(Source('Wfile', 'let a = 1'))\n"
        "print('lark' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_conflict_in_the_grammar_is_an_error() -> None:
    from lark.exceptions import GrammarError

    ambiguous = read_grammar().replace("IN disjunction  -> in_clause", "IN expression  -> in_clause")
    with pytest.raises(GrammarError, match="Shift/Reduce conflict"):
        compile_grammar(ambiguous)


def test_every_reduction_has_a_method_of_the_builder() -> None:
    _, _, reductions, _ = compile_grammar(read_grammar())
    methods = {method for _, _, method, _, _ in reductions} - {"", "="}
    assert methods <= set(dir(Builder))


def test_larks_own_loop_takes_what_ours_takes() -> None:
    from lark import Lark, Token
    from lark.lexer import Lexer as LarkLexer

    class Ours(LarkLexer):
        def __init__(self, _conf: object) -> None:
            pass

        def lex(self, text: str) -> Iterator[Token]:  # type: ignore[override]  # the older interface, without states
            for line in Lexer(Source("Wfile", text)).lines():
                for kind, start, _, value in line.tokens:
                    yield Token(kind, str(value), start)

    made = Lark(read_grammar(), parser="lalr", lexer=Ours, strict=True, start="wfile")
    for text in EXAMPLES.values():
        assert len(made.parse(text).children) == len(parse(Source("Wfile", text)).statements)


def test_tables_are_made_once_and_kept(cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    load_tables()
    (name,) = os.listdir(cache)
    monkeypatch.setattr(grammar, "_loaded", None)
    monkeypatch.setattr(grammar, "compile_grammar", None)
    load_tables()
    assert os.listdir(cache) == [name]


def test_a_tree_is_kept_and_found_again(cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = parse_cached(WFILE)
    monkeypatch.setattr("hpcmake.parser.parse.parse", None)
    again = parse_cached(WFILE)
    assert again == tree
    assert [each.span.place() for each in again.statements] == [each.span.place() for each in tree.statements]


def test_a_changed_wfile_is_read_anew(cache: str) -> None:
    assert parse_cached(Source("Wfile", "let a = 1")) != parse_cached(Source("Wfile", "let a = 2"))


@pytest.mark.parametrize("damage", [b"", b"\0" * 10, b"\0" * 1000])
def test_a_damaged_cache_is_as_good_as_none(cache: str, damage: bytes) -> None:
    tree = parse_cached(WFILE)
    for name in os.listdir(cache):
        with open(os.path.join(cache, name), "r+b") as file:
            file.truncate(40)
            file.seek(0)
            file.write(damage)
    grammar._loaded = None
    assert parse_cached(WFILE) == tree


def test_a_foreign_cache_is_as_good_as_none(cache: str) -> None:
    tree = parse_cached(WFILE)
    for name in os.listdir(cache):
        store.store(name, b"N.")  # whole, and not what was stored
    grammar._loaded = None
    assert parse_cached(WFILE) == tree


def test_a_cache_that_cannot_be_written_is_no_mistake(cache: str) -> None:
    with open(cache, "w", encoding="utf-8"):
        pass  # a file where the folder should be
    assert parse_cached(WFILE) == parse(WFILE)


def test_old_trees_make_room(cache: str) -> None:
    for number in range(120):
        store.store(f"wfile-{number}", b"")
    assert len(os.listdir(cache)) == 100
    assert store.find_stored("wfile-119") == b""


def test_a_tree_that_was_kept_is_read_without_lark_and_lexer(cache: str) -> None:
    script = (
        "import sys\n"
        "from hpcmake.parser.cache import parse_cached\n"
        "from hpcmake.text import Source\n"
        "parse_cached(Source('Wfile', 'let a = 1'))\n"
        "print(sorted(name for name in sys.modules if name == 'lark' or name.startswith('hpcmake.parser.')))\n"
    )
    first, second = (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert "hpcmake.parser.lexer" in first
    assert second == "['hpcmake.parser.cache', 'hpcmake.parser.store', 'hpcmake.parser.swift']\n"
