"""The grammar of the language: grammar/wfile.lark, made into tables by lark.

Owns all that hpcmake knows of lark.  Knows nothing of tokens nor of the tree.

Making the tables takes a quarter of a second, more than a start may take.  So they are made beforehand: run
`python -m hpcmake.parser.grammar` after a change of the grammar.  It writes compiled.py, which knows the digest of the
grammar that it was made of.  For any other the tables are made when they are needed, and kept in the user's cache.
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
    from typing import TypeAlias

    from lark.grammar import Rule

    from hpcmake.parser.tables import Reduction

    Plain: TypeAlias = tuple[list[dict[str, int]], list[dict[str, int]], list[Reduction], dict[str, tuple[int, int]]]
    """What Tables is made of: actions, gotos, reductions, starts."""

STARTS = ("wfile", "statement", "member", "items_line")
"""What a text can be read as: a whole file, and the parts into which it is taken apart when there are mistakes."""

_FORM = "1"  # of the stored tables
_loaded: Tables | None = None


def read_grammar() -> str:
    """Return the text of the grammar."""
    with open(os.path.join(os.path.dirname(__file__), "wfile.lark"), encoding="utf-8") as file:
        return file.read()


def load_tables() -> Tables:
    """Return the tables of the language: from memory, from compiled.py, from the user's cache, or made anew."""
    global _loaded  # noqa: PLW0603  # made once in a process
    if _loaded is None:
        grammar = read_grammar()
        plain = _find_compiled(grammar)
        if plain is None:
            name = "grammar-" + digest(_FORM, grammar, sys.version)
            stored = find_stored(name)
            plain = None if stored is None else _plain(stored)
            if plain is None:
                plain = compile_grammar(grammar)
                store(name, marshal.dumps(plain))
        _loaded = Tables(*plain)
    return _loaded


def _find_compiled(grammar: str) -> Plain | None:
    from hpcmake.parser import compiled  # large, and needed only where something is parsed

    if digest(_FORM, grammar) != compiled.GRAMMAR:
        return None
    rows = compiled.ROWS
    return (
        [rows[row] for row in compiled.ACTIONS],
        [rows[row] for row in compiled.GOTOS],
        compiled.REDUCTIONS,
        compiled.STARTS,
    )


def _plain(stored: bytes) -> Plain | None:
    try:
        actions, gotos, reductions, starts = marshal.loads(stored)  # noqa: S302  # our own, and its digest is right
    except (ValueError, EOFError, TypeError):
        return None
    return actions, gotos, reductions, starts


def compile_grammar(grammar: str) -> Plain:
    """Return a grammar as plain tables, the same for the same grammar.

    Raises lark's GrammarError if it is not LALR(1), or holds a conflict.
    """
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
    # lark numbers states as its sets happen to lie: here they are numbered as they are reached, by name
    order = [table.start_states[start] for start in STARTS]
    for state in order:
        steps = sorted((str(symbol), to) for symbol, (action, to) in table.states[state].items() if action is Shift)
        order += dict.fromkeys(to for _, to in steps if to not in order)
    number = {state: index for index, state in enumerate(order)}
    rules = {rule for row in table.states.values() for action, rule in row.values() if action is not Shift}
    reductions = sorted(rules, key=lambda rule: (str(rule), str(rule.alias)))
    which = {rule: ~index for index, rule in enumerate(reductions)}
    actions: list[dict[str, int]] = []
    gotos: list[dict[str, int]] = []
    for state in order:
        row = sorted((str(symbol), step) for symbol, step in table.states[state].items())
        steps = [(symbol, number[to] if action is Shift else which[to]) for symbol, (action, to) in row]
        actions.append({symbol: step for symbol, step in steps if _is_terminal(symbol)})
        gotos.append({symbol: step for symbol, step in steps if not _is_terminal(symbol)})
    starts = {start: (number[table.start_states[start]], number[table.end_states[start]]) for start in STARTS}
    return actions, gotos, [_reduction(rule) for rule in reductions], starts


def _is_terminal(symbol: str) -> bool:
    return symbol.isupper() or symbol == "$END"


def _reduction(rule: Rule) -> Reduction:
    """Return one alternative of a rule, by lark's conventions for names that begin with `_` or `?`."""
    from lark.grammar import Terminal

    symbols = rule.expansion
    kept = tuple(
        index for index, symbol in enumerate(symbols) if not (isinstance(symbol, Terminal) and symbol.filter_out)
    )
    lists = sum(1 << index for index in kept if not symbols[index].is_term and symbols[index].name.startswith("_"))
    origin = str(rule.origin.name)
    if origin.startswith("_"):
        method = JOIN
    elif rule.options.expand1 and not rule.alias and len(kept) == 1 and not lists:
        method = PASS_ON
    else:
        method = str(rule.alias or origin)
    return origin, len(symbols), method, kept, lists


def render_compiled(grammar: str) -> str:
    """Return the text of compiled.py for a grammar."""
    from textwrap import wrap

    actions, gotos, reductions, starts = compile_grammar(grammar)
    rows = list({repr(row): row for row in [*actions, *gotos]}.values())
    place = {repr(row): index for index, row in enumerate(rows)}
    parts = {
        "ROWS: list[dict[str, int]]": rows,
        "ACTIONS: list[int]": [place[repr(row)] for row in actions],
        "GOTOS: list[int]": [place[repr(row)] for row in gotos],
        "REDUCTIONS: list[tuple[str, int, str, tuple[int, ...], int]]": reductions,
        "STARTS: dict[str, tuple[int, int]]": starts,
    }
    lines = [_COMPILED, f'GRAMMAR = "{digest(_FORM, grammar)}"']
    for name, value in parts.items():
        text = repr(value).replace("'", '"')
        body = wrap(text[1:-1], 116, break_long_words=False, break_on_hyphens=False)
        lines.append(f"{name} = {text[0]}\n" + "\n".join(f"    {line}" for line in body) + f"\n{text[-1]}")
    return "\n".join(lines) + "\n"


_COMPILED = """\
\"\"\"The tables that lark made of grammar/wfile.lark: written by `python -m hpcmake.parser.grammar`, not by hand.

Owns the digest of that grammar, and the tables as parser/tables.py runs them.  Knows nothing of how they are made.
\"\"\"

# fmt: off
"""


if __name__ == "__main__":
    with open(os.path.join(os.path.dirname(__file__), "compiled.py"), "w", encoding="utf-8") as written:
        written.write(render_compiled(read_grammar()))
