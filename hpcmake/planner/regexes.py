"""The regular expressions that narrow a wildcard: regular in fact, and never slow.

Owns which expressions are taken and the reasons for refusing others.  Knows nothing of wildcards.

Python's `re` tries one way after the other, so an expression that can match one text in many ways may take for ever.
Refused is therefore what makes ways multiply: a repeat of a repeat, a repeated choice that is not told by its next
character, and more than three repeats in a row that may share their characters.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

MOST_REPEATS = 3
"""So many repeats that may share characters; a name has at most 255, so trying all ways takes at most 255³ steps."""

_LONGEST = 1000  # characters; a name of a file has at most 255 bytes
_SUCH_AS = 'such as `wildcard n: "[0-9]+"`'


class RegexError(ValueError):
    """A narrowing expression that is refused; `start` and `end` are the place in its text, `mend` what helps."""

    def __init__(self, message: str, start: int, end: int, mend: str = _SUCH_AS) -> None:
        super().__init__(message)
        self.start = start
        self.end = end
        self.mend = mend


def parse_regex(text: str) -> str:
    """Return a narrowing expression with its groups made silent.

    Raises RegexError for what is not a regular expression, or could match nothing, or could run away.
    """
    silent = _silence(text)
    try:
        compiled = re.compile(silent)
    except (re.error, OverflowError, RecursionError) as problem:
        at = min(getattr(problem, "pos", 0) or 0, max(0, len(text) - 1))
        message = f"this is not a regular expression: {getattr(problem, 'msg', problem)}"
        raise RegexError(message, at, at + 1) from None
    if compiled.fullmatch(""):
        message = "this expression also matches the empty text, which a wildcard may not"
        raise RegexError(message, 0, len(text), "use `+` in place of `*`")
    _require_swift(silent, text)
    return f"(?:{silent})"


_REFUSED_ESCAPES = {**dict.fromkeys("AZbB", "an anchor"), **dict.fromkeys("123456789", "a back-reference")}
_QUANTIFIER = re.compile(r"(?:[*+?]|\{[0-9]*,?[0-9]*\})[?+]?")
_REFUSED_GROUPS = {
    "(?=": "look-around",
    "(?!": "look-around",
    "(?<=": "look-around",
    "(?<!": "look-around",
    "(?P=": "a back-reference",
    "(?>": "an atomic group",
    "(?": "a group with flags or a name",
}


def _refuse(start: int, end: int, what: str, mend: str = _SUCH_AS) -> RegexError:
    message = f"{what} may not stand here: a wildcard is narrowed by a regular expression and nothing more"
    return RegexError(message, start, end, mend)


def _silence(text: str) -> str:
    """Return the expression with `(` as `(?:`.  Raises RegexError for what is not regular."""
    out: list[str] = []
    groups = [False]  # for each open group (the outermost is the expression), whether it holds a repeat
    held = False  # whether the atom before is a group that holds one
    at = 0
    while at < len(text):
        character = text[at]
        piece, closed = character, False
        if character == "\\":
            piece = text[at : at + 2]
            if piece[1:] in _REFUSED_ESCAPES:
                raise _refuse(at, at + 2, _REFUSED_ESCAPES[piece[1:]])
        elif character == "[":
            piece = text[at : _class_end(text, at)]
        elif character == "(":
            groups.append(False)
            found = next((start for start in _REFUSED_GROUPS if text.startswith(start, at)), None)
            if found and not text.startswith("(?:", at):
                raise _refuse(at, at + len(found) + (found == "(?"), _REFUSED_GROUPS[found])
            piece = "(?:" if found else character
        elif character == ")" and len(groups) > 1:
            closed = groups.pop()
            groups[-1] = groups[-1] or closed
        elif character in "^$":
            raise _refuse(at, at + 1, "an anchor", "leave it out: the expression matches the whole of the wildcard")
        elif quantifier := _QUANTIFIER.match(text, at):
            piece = quantifier.group()
            groups[-1] = _repeats(piece, at, inner=held) or groups[-1]
        out.append("(?:" if piece == "(" else piece)
        held = closed
        at += len(piece)
    return "".join(out)


def _class_end(text: str, at: int) -> int:
    """Return where a `[…]` ends."""
    end = at + 1
    if text[end : end + 1] == "^":
        end += 1
    if text[end : end + 1] == "]":
        end += 1
    while end < len(text) and text[end] != "]":
        end += 2 if text[end] == "\\" else 1
    return end + 1


def _repeats(quantifier: str, at: int, *, inner: bool) -> bool:
    """Tell whether a quantifier repeats, so that it may not be repeated itself.  Raises RegexError."""
    bounds = re.fullmatch(r"\{([0-9]*)(,?)([0-9]*)\}[?+]?", quantifier)
    unbounded = quantifier[0] in "*+" or (bounds is not None and bounds[2] == "," and not bounds[3])
    most = 1 if quantifier[0] == "?" else int(bounds[3] or bounds[1] or 1) if bounds and not unbounded else 2
    if inner and (unbounded or most > 1):
        message = "a repeat of a repeat could run away"
        raise RegexError(message, at, at + len(quantifier), "let one of the two repeat: `[ab]+` in place of `(a+|b+)+`")
    if bounds and most > _LONGEST:
        message = f"a repeat of more than {_LONGEST} times matches no name of a file"
        raise RegexError(message, at, at + len(quantifier))
    return True  # a `?` too: `(a?b?)*` has as many ways as `(a*b*)*`


# ---------------------------------------------------------------- how many ways there are

_SAMPLE = [chr(code) for code in range(256)] + ["\u0411", "\u4e2d"]
"""Characters by which sets are compared; two stand for all others."""

_EVERY = frozenset(_SAMPLE)


def _require_swift(silent: str, text: str) -> None:
    """Raise RegexError for an expression that may match one text in very many ways."""
    import re._parser as parser  # type: ignore[import-not-found]  # it has taken the expression apart once already

    tree = parser.parse(silent)
    if _run(list(tree), 0, frozenset(), text)[0] > MOST_REPEATS:
        message = f"more than {MOST_REPEATS} repeats that may share characters could run away"
        raise RegexError(message, 0, len(text), "put something between them that none of them matches, such as `_`")


def _run(nodes: Sequence[Any], count: int, chars: frozenset[str], text: str) -> tuple[int, frozenset[str]]:
    """Return the longest row of repeats that share characters, and what they share; it goes on from the one given."""
    longest = count
    for kind, argument in nodes:
        word = str(kind)
        if word in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            low, high, inner = argument
            if high > 1:
                _require_told(list(inner), text)
            mine = _characters(list(inner))
            if int(high) > 1 and not (low == high and len(list(inner)) == 1):
                count = count + 1 if count and chars & mine else 1
                chars = (chars | mine) if count > 1 else mine
            longest = max(longest, count)
        elif word == "BRANCH":
            runs = [_run(list(each), count, chars, text) for each in argument[1]]
            count, chars = max(runs, key=lambda each: each[0])
            chars = frozenset().union(*(each[1] for each in runs))
            longest = max(longest, count)
        elif word in {"SUBPATTERN", "ATOMIC_GROUP"}:
            inner = argument[-1] if word == "SUBPATTERN" else argument
            count, chars = _run(list(inner), count, chars, text)
            longest = max(longest, count)
        elif not _characters([(kind, argument)]) & chars:
            count, chars = 0, frozenset()  # what stands here ends the row: no repeat before it can take it
    return longest, chars


def _require_told(nodes: Sequence[Any], text: str) -> None:
    """Raise RegexError if what is repeated has a choice that its next character does not tell."""
    for kind, argument in nodes:
        word = str(kind)
        if word == "BRANCH":
            seen: set[str] = set()
            for each in argument[1]:
                first = _characters(list(each)[:1])
                if not list(each) or seen & first:
                    message = "a repeated choice whose parts begin alike could run away"
                    mend = "let each part begin with another character, or write a set: `[ab]+`"
                    raise RegexError(message, 0, len(text), mend)
                seen |= first
                _require_told(list(each), text)
        elif word == "SUBPATTERN":
            _require_told(list(argument[-1]), text)


def _characters(nodes: Sequence[Any]) -> frozenset[str]:
    """Return all characters that may stand in what these nodes match."""
    found: set[str] = set()
    for kind, argument in nodes:
        word = str(kind)
        if word == "LITERAL":
            found.add(_sample(argument))
        elif word == "NOT_LITERAL":
            found |= _EVERY - {_sample(argument)}
        elif word == "ANY":
            found |= _EVERY
        elif word == "IN":
            found |= _members(argument)
        elif word == "BRANCH":
            for each in argument[1]:
                found |= _characters(list(each))
        elif word in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT", "SUBPATTERN"}:
            found |= _characters(list(argument[-1]))
        else:
            found |= _EVERY
    return frozenset(found)


def _sample(code: int) -> str:
    """Return a character itself, or the one of the sample that stands for it."""
    return chr(code) if chr(code) in _EVERY else _SAMPLE[-1]


def _members(items: Sequence[Any]) -> frozenset[str]:
    found: set[str] = set()
    negated = False
    for kind, argument in items:
        word = str(kind)
        if word == "NEGATE":
            negated = True
        elif word == "LITERAL":
            found.add(_sample(argument))
        elif word == "RANGE":
            found |= {each for each in _SAMPLE if argument[0] <= ord(each) <= argument[1]}
            found |= set(_SAMPLE[-1:]) if argument[1] > 255 else set()  # noqa: PLR2004  # the sample ends there
        else:
            found |= _of_category(str(argument))
    return _EVERY - found if negated else frozenset(found)


_CATEGORIES = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}


def _of_category(name: str) -> set[str]:
    kind = name.removeprefix("CATEGORY_")
    escape = _CATEGORIES.get(kind.removeprefix("NOT_"))
    if escape is None:
        return set(_EVERY)
    inside = {each for each in _SAMPLE if re.fullmatch(escape, each)}
    return set(_EVERY) - inside if kind.startswith("NOT_") else inside
