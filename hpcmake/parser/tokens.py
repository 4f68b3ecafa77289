"""What the lexer hands to the grammar: tokens, and the lines that they stand on.

Owns the names of terminals and the words of the language.  Knows nothing of how either is found.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Token: TypeAlias = tuple[str, int, int, object]
    """Terminal, first offset, offset behind the last character, value: a text, or a Raw for shell text."""

KEYWORDS = {
    "if": "_IF",
    "else": "_ELSE",
    "for": "_FOR",
    "each": "_EACH",
    "in": "IN",
    "and": "AND",
    "or": "OR",
    "not": "NOT",
    "true": "TRUE",
    "false": "FALSE",
}
"""Words that are never names."""

STATEMENTS = {
    "rule": "_RULE",
    "target": "_TARGET",
    "let": "_LET",
    "param": "_PARAM",
    "wildcard": "_WILDCARD",
    "defaults": "_DEFAULTS",
    "include": "_INCLUDE",
    "prefer": "_PREFER",
}
"""Words that begin a statement, and are names everywhere else."""

SHELL_WORDS = ("run", "post", "setup")
"""Attributes whose text belongs to the shell."""

MODIFIERS = ("order", "maybe", "temp", "protect", "touch")
"""Modifiers that there are: only these are modifiers in front of a bracket too, as in `maybe ("f" if x else "g")`."""

ATTRIBUTES = (
    *("input", "output", "produces", "depfile"),
    *("nodes", "ranks", "ranks_per_node", "cores_per_rank", "gpus_per_rank"),
    *("cores", "memory", "gpus", "time", "retries", "priority", "at_once"),
    *("site", "queue", "launch_options", "env", "log", "workdir"),
    *SHELL_WORDS,
)
"""Attributes that there are: to tell what a line was meant to be; whether one is right is not the parser's to say."""

OPERATORS = {
    "..": "_DOTS",
    "==": "EQ",
    "!=": "NE",
    "<=": "LE",
    ">=": "GE",
    "//": "FLOOR",
    "<": "LT",
    ">": "GT",
    "+": "PLUS",
    "-": "MINUS",
    "*": "STAR",
    "/": "SLASH",
    "%": "PERCENT",
    "=": "_EQUAL",
    ".": "_DOT",
    ",": "_COMMA",
    ":": "_COLON",
    "(": "_LPAR",
    ")": "_RPAR",
    "[": "_LSQB",
    "]": "_RSQB",
}
"""Signs and their terminals."""

CLOSING = {"(": ")", "[": "]"}
"""The bracket that closes each."""

BRACKETS_AT_MOST = 200
"""How deep brackets may be nested."""

DEPTH_AT_MOST = 250
"""How many operators and brackets may wait for each other: what bounds the depth of every tree."""

MISTAKES_AT_MOST = 100
"""How many mistakes are told: nobody reads more, and a file that is no Wfile at all would give one for each line."""

FLAW = "FLAW"
"""Stands in front of a line whose mistake the lexer has told: a terminal that no grammar knows."""


class Raw:
    """Shell text as it was found: dedented, with the offset of each of its lines."""

    __slots__ = ("lines", "text")

    def __init__(self, text: str, lines: tuple[int, ...]) -> None:
        self.text = text
        self.lines = lines


class Line:
    """A logical line: its tokens, from the change of indentation in front of it to its `_NEWLINE`.

    `level` is the number of blocks that it stands in.
    """

    __slots__ = ("level", "tokens")

    def __init__(self, level: int, tokens: list[Token]) -> None:
        self.level = level
        self.tokens = tokens


def spaces(width: int) -> str:
    """Return a width of indentation in words."""
    return "1 space" if width == 1 else f"{width} spaces"
