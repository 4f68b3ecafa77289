"""How a value is written into shell text: once, for the place where it stands.

Owns the kinds of places and the form of a value in each.  Knows nothing of how places are found, nor of names and braces.
"""

from __future__ import annotations

import re

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

WORD = "word"  # bare
DOUBLE = "double"  # in "…"
HERE = "here"  # in a here-document whose delimiter is not quoted
SINGLE = "single"  # in '…'
ANSI = "ansi"  # in $'…'
PARAMETER = "parameter"  # in ${x:-…}, ${x#…}, ${x/…/…}
RAW_HERE = "raw here"  # in a here-document whose delimiter is quoted
COMMENT = "comment"
PLAIN = "plain"  # where the shell reads a number or a name, and quotes do not help: arithmetic, ${…}
JSON = "json"  # in a block for another interpreter


class Place(Record):
    """Where a value stands: a kind, and what of its surroundings decides how it is written."""

    kind: str
    glued: bool = False
    """Part of a longer word: an empty list still leaves a word."""
    joined: bool = False
    """Several items make one text, joined by spaces: in quotes, in an assignment, in `[[ ]]`."""
    first: bool = False
    """Where the name of a command is expected."""
    careful: bool = False
    """Where some of the characters that are harmless elsewhere mean something: `{a,b}`, `[a-z]`, `case` patterns."""
    quoted: bool = False
    """Quoted even if harmless: behind `~`, and before `<` or `>`, where a number would be a descriptor."""
    target: bool = False
    """The file of a redirection: exactly one item."""
    delimiter: str | None = None
    """The line that ends the here-document around it."""
    tabs_lost: bool = False
    """In a here-document of `<<-`, which drops the tabs that begin a line."""
    backquotes: int = 0
    """How many backquoted commands it stands in, each of which reads backslashes once more."""


class UnfitError(Exception):
    """A value that cannot be written where it stands; `mend` is what would work."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(reason)
        self.mend = mend


_harmless = re.compile(r"[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+:,./=-]*").fullmatch
_harmless_command = re.compile(r"[A-Za-z0-9_@+:,./-]+").fullmatch
_harmless_pattern = re.compile(r"-?[A-Za-z0-9_/]+").fullmatch
_harmless_parameter = re.compile(r"[A-Za-z0-9_]+").fullmatch
_plain_number = re.compile(r"[+-]?[A-Za-z0-9_]+(?:\.[0-9]+)?").fullmatch

_DOUBLE = str.maketrans({each: "\\" + each for each in '\\$`"'})
_HERE = str.maketrans({each: "\\" + each for each in "\\$`"})
_ANSI = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n"})
_BACKQUOTES = str.maketrans({"\\": "\\\\", "`": "\\`"})

RESERVED = frozenset(
    "! [[ ]] case coproc do done elif else esac fi for function if in select then time until while { }".split()
)
"""Words that are grammar where a command is expected."""


def quote_word(text: str) -> str:
    r"""Return a text as one word of the shell, quoted only where it needs it.

    >>> print(quote_word("a b"), quote_word("it's"), quote_word("a.txt"))
    'a b' 'it'\''s' a.txt
    """
    return text if _harmless(text) else "'" + text.replace("'", "'\\''") + "'"


def quote(place: Place, items: Sequence[str]) -> str:
    """Return the items of a value as text for a place.

    Raises UnfitError where the place cannot hold them: several files of a redirection, text in arithmetic, a line that
    would end its here-document.
    """
    write = _WRITERS.get(place.kind)
    text = write(place, items) if write else " ".join(items)
    if "\0" in text:
        reason = "a value of a command holds a NUL, which no argument can"
        raise UnfitError(reason, "take the NUL out of it")
    for _ in range(place.backquotes):
        text = text.translate(_BACKQUOTES)
    return text


def is_harmless(text: str) -> bool:
    """Return whether a text stands for itself as a bare argument."""
    return _harmless(text) is not None


def _word(place: Place, items: Sequence[str]) -> str:
    if place.target and len(items) != 1:
        count = f"{len(items)} files" if items else "no file"
        reason = f"a redirection takes one file, and this is {count}"
        raise UnfitError(
            reason, "name the one that is meant, as in {output[0]}" if items else "leave it out if there is none"
        )
    if place.joined:
        items = (" ".join(items),)
    elif not items:
        return "''" if place.glued else ""
    return " ".join(
        [_one_word(place, items[0]), *map(quote_word, items[1:])]
        if place.first
        else [_one_word(place, item) for item in items]
    )


def _one_word(place: Place, text: str) -> str:
    if place.careful:
        stands = _harmless_pattern(text) and text not in RESERVED
    elif place.first:
        stands = _harmless_command(text) and text not in RESERVED
    else:
        stands = _harmless(text)
    return text if stands and not place.quoted else "'" + text.replace("'", "'\\''") + "'"


def _double(_place: Place, items: Sequence[str]) -> str:
    return " ".join(items).translate(_DOUBLE)


def _single(_place: Place, items: Sequence[str]) -> str:
    return " ".join(items).replace("'", "'\\''")


def _ansi(_place: Place, items: Sequence[str]) -> str:
    return " ".join(items).translate(_ANSI)


_NOTHING = "${0+}"  # stands for no characters, and keeps a line from being the delimiter


def _here(place: Place, items: Sequence[str]) -> str:
    lines = " ".join(items).translate(_HERE).split("\n")
    end = place.delimiter or ""
    return "\n".join(
        _NOTHING + line if line in end or (place.tabs_lost and line.startswith("\t")) else line for line in lines
    )


def _parameter(place: Place, items: Sequence[str]) -> str:
    if place.joined:
        items = (" ".join(items),)
    return " ".join(text if _harmless_parameter(text) else '"' + text.translate(_DOUBLE) + '"' for text in items)


def _raw_here(place: Place, items: Sequence[str]) -> str:
    text = " ".join(items)
    if place.tabs_lost and any(line.startswith("\t") for line in text.split("\n")):
        reason = "the value begins a line with a tab, which `<<-` would drop"
        raise UnfitError(reason, "write `<<` instead of `<<-`")
    return text


def _comment(_place: Place, items: Sequence[str]) -> str:
    return " ".join(items).replace("\n", " ")  # what follows a newline would be run


def _plain(_place: Place, items: Sequence[str]) -> str:
    text = " ".join(items)
    if _plain_number(text):
        return text
    reason = (
        f"only a number or a name can stand here, and this is {text!r}"
        if text
        else "only a number or a name can stand here, and this is empty"
    )
    raise UnfitError(reason, "put the value into a variable first, as in `x={name}`, and use `$x` here")


_WRITERS = {
    WORD: _word,
    DOUBLE: _double,
    HERE: _here,
    SINGLE: _single,
    ANSI: _ansi,
    PARAMETER: _parameter,
    RAW_HERE: _raw_here,
    COMMENT: _comment,
    PLAIN: _plain,
}
