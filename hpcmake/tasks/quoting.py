"""How a value is written into shell text: once, for the place where it stands.

Owns the kinds of places and the form of a value in each.  Knows nothing of how places are found, nor of names.
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
SINGLE_PARAMETER = "single parameter"  # in "${x#'…'}", where bash looks for `$(` between single quotes too
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
    apostrophe: str = "'\\''"
    """How a `'` is written between single quotes."""
    brace: str = "{"
    """How a `{` is written between double quotes, where bash could else take it for the beginning of `{a,b}`."""
    delimiters: tuple[str, ...] = ()
    """The lines that end the here-documents around it."""
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
_harmless_lines = re.compile(r"[A-Za-z0-9_@%+:,./-]+(?:\n[A-Za-z0-9_@%+:,./-]+)*").fullmatch
_MANY = 4  # words: of more, one look at all is faster
_harmless_command = re.compile(r"[A-Za-z0-9_@+:,./-]+").fullmatch
_harmless_pattern = re.compile(r"-?[0-9]+|[A-Za-z0-9_/]+").fullmatch
_harmless_parameter = re.compile(r"[A-Za-z0-9_]+").fullmatch
_plain_number = re.compile(r"[+-]?[A-Za-z0-9_]+(?:\.[0-9]+)?").fullmatch

_DOUBLE = str.maketrans({each: "\\" + each for each in '\\$`"'})
_HERE = str.maketrans({each: "\\" + each for each in "\\$`"})
_ANSI = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n"})
_BACKQUOTES = str.maketrans({"\\": "\\\\", "`": "\\`"})

RESERVED = frozenset((
    "!", "[[", "]]", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in",
    "select", "then", "time", "until", "while", "{", "}",
))  # fmt: skip
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
    text = _WRITERS[place.kind](place, items)
    if "\0" in text:
        reason = "a value of a command holds a NUL, which no argument can"
        raise UnfitError(reason, "take the NUL out of it")
    for _ in range(place.backquotes):
        text = text.translate(_BACKQUOTES)
    return text


def is_harmless(text: str) -> bool:
    """Return whether a text stands for itself as a bare argument."""
    return _harmless(text) is not None


def _apart(place: Place, text: str, nothing: str) -> str:
    """Put what stands for no characters before each line of a text that could end a here-document around it."""
    if not (place.delimiters or place.tabs_lost):
        return text
    return "\n".join(nothing + line if _is_risky(place, line) else line for line in text.split("\n"))


def _is_risky(place: Place, line: str) -> bool:
    return any(line in each for each in place.delimiters) or (place.tabs_lost and line.startswith("\t"))


_EXPANDS_TO_NOTHING = "${0+}"


def _single_quoted(place: Place, text: str) -> str:
    return "'" + _between_single(place, text) + "'"


def _between_single(place: Place, text: str) -> str:
    escaped = text.replace("'", place.apostrophe)
    if not (place.delimiters or place.tabs_lost):
        return escaped
    # in a here-document a backslash joins lines even where it is quoted, so it must not come before a newline
    end = "''" if escaped.endswith("\\") else ""
    return ("''" if _is_risky(place, text) else "") + escaped.replace("\n", "''\n''") + end


def _double_quoted(place: Place, text: str) -> str:
    escaped = text.translate(_DOUBLE)
    return _apart(place, escaped if place.brace == "{" else escaped.replace("{", place.brace), _EXPANDS_TO_NOTHING)


def _word(place: Place, items: Sequence[str]) -> str:
    if place.target and len(items) != 1:
        reason = f"a redirection takes one file, and this is {len(items) or 'no file'}"
        mend = "name the one that is meant: `{name[0]}`" if items else "leave the redirection out if there may be none"
        raise UnfitError(reason, mend)
    if place.joined:
        items = (" ".join(items),)
    elif not items:
        return "''" if place.glued else ""
    is_usual = not (place.quoted or place.delimiters or place.careful or place.first)
    if len(items) > _MANY and is_usual and _are_harmless(items):
        return " ".join(items)
    words = [_one_word(place, items[0], first=place.first)]
    words += [_one_word(place, item, first=False) for item in items[1:]]
    return " ".join(words)


def _are_harmless(items: Sequence[str]) -> bool:
    """Tell of many words by one look whether each stands for itself."""
    joined = "\n".join(items)
    return joined.count("\n") == len(items) - 1 and _harmless_lines(joined) is not None


def _one_word(place: Place, text: str, *, first: bool) -> str:
    if place.quoted or (place.delimiters and _is_risky(place, text)):
        return _single_quoted(place, text)
    stands = _harmless_pattern if place.careful else _harmless_command if first else _harmless
    return text if stands(text) and not ((first or place.careful) and text in RESERVED) else _single_quoted(place, text)


def _double(place: Place, items: Sequence[str]) -> str:
    return _double_quoted(place, " ".join(items))


def _single(place: Place, items: Sequence[str]) -> str:
    return _between_single(place, " ".join(items))


def _single_parameter(place: Place, items: Sequence[str]) -> str:
    return "'\"" + _double_quoted(place, " ".join(items)) + "\"'"


def _ansi(place: Place, items: Sequence[str]) -> str:
    return _apart(place, " ".join(items).translate(_ANSI), "'$'")


def _here(place: Place, items: Sequence[str]) -> str:
    return _apart(place, " ".join(items).translate(_HERE), _EXPANDS_TO_NOTHING)


def _parameter(place: Place, items: Sequence[str]) -> str:
    if place.joined:
        items = (" ".join(items),)
    return " ".join(
        text
        if _harmless_parameter(text) and not (place.delimiters and _is_risky(place, text))
        else '"' + _double_quoted(place, text) + '"'
        for text in items
    )


def _raw_here(place: Place, items: Sequence[str]) -> str:
    text = " ".join(items)
    lines = text.split("\n")
    if place.tabs_lost and any(line.startswith("\t") for line in lines):
        reason = "the value begins a line with a tab, which `<<-` would drop"
        raise UnfitError(reason, "write `<<` instead of `<<-`")
    if any(line and line in each for each in place.delimiters for line in lines):
        reason = "the value could end a here-document around it"
        raise UnfitError(reason, "end the here-document in a word that no value holds")
    return text


def _comment(_place: Place, items: Sequence[str]) -> str:
    return " ".join(items).replace("\n", " ")  # what follows a newline would be run


def _plain(place: Place, items: Sequence[str]) -> str:
    text = " ".join(items)
    if _plain_number(text) and text not in place.delimiters:
        return text
    reason = f"only a number or a name can stand here, and this is {repr(text) if text else 'empty'}"
    raise UnfitError(reason, "put the value into a variable first, as in `x={name}`, and use `$x` here")


_WRITERS = {
    WORD: _word,
    DOUBLE: _double,
    HERE: _here,
    SINGLE: _single,
    ANSI: _ansi,
    PARAMETER: _parameter,
    SINGLE_PARAMETER: _single_parameter,
    RAW_HERE: _raw_here,
    COMMENT: _comment,
    PLAIN: _plain,
}
