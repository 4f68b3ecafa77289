"""The words in which shell text is read: what encloses a character, and what is found of values.

Owns these shapes.  Knows nothing of how text is read.
"""

from __future__ import annotations

from hpcmake.record import Record
from hpcmake.tasks.quoting import Place

VALUE = "\0"
"""Stands for a value in the text that is scanned; a Wfile holds no NUL."""


class Document(Record):
    """The text of a here-document whose delimiter is quoted: from, to, the delimiter, whether tabs are dropped."""

    start: int
    end: int
    delimiter: str
    tabs_lost: bool


class Scan:
    """What was found: the place of each value in order, the text to insert, and what cannot be."""

    __slots__ = ("documents", "edits", "places", "problems")

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.edits: list[tuple[int, str]] = []
        """Offset and text to insert there, so that a value stays apart from what is written before it."""
        self.documents: list[Document] = []
        self.problems: list[tuple[str, int]] = []
        """`backslash`, `delimiter` or `deep`, and the number of the value."""


# what may enclose a character
COMMAND = "command"  # the text itself, or a substitution `$(…)`
GROUP = "group"  # `(…)`
ARRAY = "array"  # `name=(…)`
CASE = "case"
CONDITION = "condition"  # `[[ … ]]`
GLOB = "glob"  # `@(…|…)`
DOUBLE = "double"
HERE = "here"
PARAMETER = "parameter"
ARITHMETIC = "arithmetic"


class Level:
    """What is known of one of the enclosing constructs."""

    __slots__ = (
        "apostrophe", "assigns", "brace", "brackets", "closes", "declares", "depth", "first", "kind", "literal",
        "pending", "quoted", "state", "target", "word",
    )  # fmt: skip

    def __init__(self, kind: str, closes: str = "", pending: list[tuple[str, bool, bool]] | None = None) -> None:
        self.kind = kind
        self.closes = closes
        self.pending = [] if pending is None else pending  # here-documents that begin at the next newline
        self.first = kind in (COMMAND, GROUP)  # a command is expected
        self.word: str | None = None  # the first characters of the word, None between words
        self.literal = True  # `word` is all of the word
        self.assigns = False  # the word is `name=…`
        self.declares = False  # the command takes assignments as arguments
        self.brackets = False  # the word holds a `{` or `[`
        self.target = ""  # `file` or `text`: what the operator of a redirection expects
        self.state = ""  # of `case`: word, in, pattern, body; of a parameter: name, word, pattern, number
        self.depth = 0
        self.quoted = ""  # what a parameter or a `"` stands in: DOUBLE, HERE, ARITHMETIC
        # within `$(…)`, bash 5 loses its way in an array whose words hold `\'`
        self.apostrophe = "'\"'\"'" if kind == ARRAY else "'\\''"
        self.brace = "{"  # how a `{` is written between double quotes

    def part(self) -> None:
        """Note that the word at hand, or one that begins here, has a part that is not literal."""
        if self.word is None:
            self.word = ""
            self.assigns = self.brackets = False
        self.literal = False
