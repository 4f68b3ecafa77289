"""The grammar of the language: grammar/wfile.lark, made into tables by lark and kept in the user's cache.

Owns all that hpcmake knows of lark.  Knows nothing of tokens nor of the tree.
"""

from __future__ import annotations

import marshal
import os
import sys

from hpcmake.parser.store import digest, find_stored, store
from hpcmake.parser.tables import JOIN, PASS_ON, Tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpcmake.parser.tables import Reduction

STARTS = ("wfile", "statement", "member", "items_line")
"""What a text can be read as: a whole file, and the parts into which it is taken apart when there are mistakes."""

_FORM = "1"  # of the stored tables
_loaded: Tables | None = None


def read_grammar() -> str:
    """Return the text of the grammar."""
    with open(os.path.join(os.path.dirname(__file__), "wfile.lark"), encoding="utf-8") as file:
        return file.read()


def load_tables() -> Tables:
    """Return the tables of the language: from memory, from the user's cache, or made anew."""
    global _loaded  # noqa: PLW0603  # made once in a process
    if _loaded is None:
        grammar = read_grammar()
        name = "grammar-" + digest(_FORM, grammar, sys.version)
        stored = find_stored(name)
        plain = None if stored is None else _plain(stored)
        if plain is None:
            plain = compile_grammar(grammar)
            store(name, marshal.dumps(plain))
        _loaded = Tables(*plain)
    return _loaded


def _plain(
    stored: bytes,
) -> tuple[list[dict[str, int]], list[dict[str, int]], list[Reduction], dict[str, tuple[int, int]]] | None:
    try:
        actions, gotos, reductions, starts = marshal.loads(stored)  # noqa: S302  # our own, and its digest is right
    except (ValueError, EOFError, TypeError):
        return None
    return actions, gotos, reductions, starts


def compile_grammar(
    grammar: str,
) -> tuple[list[dict[str, int]], list[dict[str, int]], list[Reduction], dict[str, tuple[int, int]]]:
    """Return a grammar as plain tables.  Raises lark's GrammarError if it is not LALR(1)."""
    from lark import Lark
    from lark.lexer import Lexer, Token
    from lark.parsers.lalr_analysis import Shift

    class Declared(Lexer):
        """No lexer: all terminals are declared."""

        def __init__(self, _conf: object) -> None:
            pass

        def lex(self, *_: object) -> Iterator[Token]:
            return iter(())

    made = Lark(grammar, parser="lalr", lexer=Declared, strict=True, start=list(STARTS), maybe_placeholders=False)
    table = made.parser.parser._parse_table  # noqa: SLF001  # lark has no public door to it
    numbers: dict[object, int] = {}
    reductions: list[Reduction] = []
    actions: list[dict[str, int]] = []
    gotos: list[dict[str, int]] = []
    for state in range(len(table.states)):
        here: dict[str, int] = {}
        there: dict[str, int] = {}
        for symbol, (action, argument) in table.states[state].items():
            if action is not Shift:
                if argument not in numbers:
                    numbers[argument] = len(reductions)
                    reductions.append(_reduction(argument))
                here[str(symbol)] = ~numbers[argument]
            elif symbol.isupper() or symbol == "$END":
                here[str(symbol)] = argument
            else:
                there[str(symbol)] = argument
        actions.append(here)
        gotos.append(there)
    starts = {start: (table.start_states[start], table.end_states[start]) for start in STARTS}
    return actions, gotos, reductions, starts


def _reduction(rule: object) -> Reduction:
    """Return one alternative of a rule, by lark's conventions for names that begin with `_` or `?`."""
    origin: str = rule.origin.name  # type: ignore[attr-defined]  # lark.grammar.Rule
    symbols = rule.expansion  # type: ignore[attr-defined]
    kept = tuple(index for index, symbol in enumerate(symbols) if not (symbol.is_term and symbol.filter_out))
    lists = sum(1 << index for index in kept if not symbols[index].is_term and symbols[index].name.startswith("_"))
    alias: str | None = rule.alias  # type: ignore[attr-defined]
    if origin.startswith("_"):
        method = JOIN
    elif rule.options.expand1 and not alias and len(kept) == 1 and not lists:  # type: ignore[attr-defined]
        method = PASS_ON
    else:
        method = str(alias or origin)
    return str(origin), len(symbols), method, kept, lists
