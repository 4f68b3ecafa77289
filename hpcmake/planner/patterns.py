"""Wildcard patterns: matching, filling, and one index of many patterns.

Owns what `{name}` means in a pattern of files.  Knows nothing of rules: an index maps patterns to whatever it is given.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Generic, TypeVar

    Owner = TypeVar("Owner")
else:

    class Generic:  # what a type checker sees is not needed at run time
        def __class_getitem__(cls, _item):
            return cls

    Owner = None

ANYTHING = "[^/]+"
"""What a wildcard matches unless it is narrowed."""


class Pattern:
    """Literals and wildcards in turn: `literals[0] {names[0]} literals[1] {names[1]} … literals[n]`.

    `constraints` narrows some of the names by regular expressions.  Left to right, each wildcard takes as much as it
    can; one that stands twice must match the same text both times.
    """

    __slots__ = ("_fill", "_regex", "constraints", "literals", "names", "places", "separable")

    def __init__(
        self, literals: Sequence[str], places: Sequence[str], constraints: Mapping[str, str] | None = None
    ) -> None:
        self.literals = tuple(literals)
        self.places = tuple(places)
        self.names = tuple(dict.fromkeys(places))
        self.constraints = (
            {name: constraints[name] for name in self.names if name in constraints} if constraints else {}
        )
        self.separable = len(self.names) == len(self.places) and all("/" in text for text in self.literals[1:-1])
        """Whether no component holds two wildcards, so that a filled path can be split in one way only."""
        self._regex: re.Pattern[str] | None = None
        self._fill = "%s".join(text.replace("%", "%%") for text in self.literals)

    @property
    def text(self) -> str:
        """The pattern as it is written."""
        return "".join(a + "{" + b + "}" for a, b in zip(self.literals, self.places, strict=False)) + self.literals[-1]

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"

    @property
    def regex(self) -> re.Pattern[str]:
        """The regular expression, one group a name in the order of `names`."""
        if self._regex is None:
            groups: dict[str, int] = {}
            parts = [re.escape(self.literals[0])]
            for name, literal in zip(self.places, self.literals[1:], strict=True):
                if name in groups:
                    parts.append(rf"(?:\{groups[name]})")
                else:
                    groups[name] = len(groups) + 1
                    parts.append(f"({self.constraints.get(name, ANYTHING)})")
                parts.append(re.escape(literal))
            self._regex = re.compile("".join(parts), re.DOTALL)
        return self._regex

    def match(self, path: str) -> tuple[str, ...] | None:
        """Return the values of `names` with which the pattern makes this path, or None."""
        found = self.regex.fullmatch(path)
        return found.groups() if found else None

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the path for these values."""
        return self._fill % tuple(values[name] for name in self.places)

    def fill_columns(self, columns: Mapping[str, Sequence[str]]) -> list[str]:
        """Return a path for each row of columns of equal length; there is at least one wildcard."""
        template = self._fill
        if len(self.places) == 1:
            before, after = self.literals
            if not after:
                return [before + value for value in columns[self.places[0]]]
            return [before + value + after for value in columns[self.places[0]]]
        return list(map(template.__mod__, zip(*(columns[name] for name in self.places), strict=True)))

    def bind(self, values: Mapping[str, str]) -> Pattern:
        """Return the pattern with some names replaced by values."""
        literals = [self.literals[0]]
        places: list[str] = []
        for name, literal in zip(self.places, self.literals[1:], strict=True):
            if name in values:
                literals[-1] += values[name] + literal
            else:
                places.append(name)
                literals.append(literal)
        return Pattern(literals, places, self.constraints)

    def accepts(self, name: str, value: str) -> bool:
        """Tell whether a wildcard may have this value."""
        regex = self.constraints.get(name)
        if regex is None:
            return value != "" and "/" not in value
        return re.fullmatch(regex, value, re.DOTALL) is not None

    @property
    def may_cross(self) -> bool:
        """Whether a wildcard may match a `/`: one that was narrowed by a regular expression which lets it."""
        return any(_may_hold_slash(regex) for regex in self.constraints.values())


def _may_hold_slash(regex: str) -> bool:
    """Whether a narrowing expression could match a slash (at worst yes, when it cannot tell)."""
    return (
        "/" in regex
        or "." in regex.replace("\\.", "")
        or "[^" in regex
        or any(c in regex for c in ("\\W", "\\D", "\\S"))
    )


def overlap(one: Pattern, two: Pattern) -> bool:
    """Tell whether some path could match both patterns.  Narrowed wildcards count as what they would be without."""
    if one.may_cross or two.may_cross:
        return _ends_agree(one, two)
    left, right = _tokens(one), _tokens(two)
    if len(left) != len(right):
        return False
    return all(_components_overlap(a, b) for a, b in zip(left, right, strict=True))


def _ends_agree(one: Pattern, two: Pattern) -> bool:
    if not one.places and not two.places:
        return one.literals == two.literals
    if not one.places:
        return two.match(one.literals[0]) is not None
    if not two.places:
        return one.match(two.literals[0]) is not None
    a, b = one.literals[0], two.literals[0]
    c, d = one.literals[-1], two.literals[-1]
    return (a.startswith(b) or b.startswith(a)) and (c.endswith(d) or d.endswith(c))


def _tokens(pattern: Pattern) -> list[list[str | None]]:
    """Return the components of a pattern: characters, and None for one or more characters."""
    components: list[list[str | None]] = [[]]
    for index, literal in enumerate(pattern.literals):
        if index:
            components[-1].append(None)
        for character in literal:
            if character == "/":
                components.append([])
            else:
                components[-1].append(character)
    return components


def _components_overlap(one: list[str | None], two: list[str | None]) -> bool:
    """Tell whether two components share a text; a table of which beginnings can be equal.

    A state is (i, j, x, y): i and j tokens are done, and x (y) says whether the wildcard before i (j) may still grow.
    """
    seen = set()
    todo = [(0, 0, False, False)]
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        seen.add(state)
        i, j, grow_one, grow_two = state
        if i == len(one) and j == len(two):
            return True
        # one more character of the shared text: each side takes its next token, or lets its wildcard grow
        steps_one = ([(i + 1, one[i] is None, one[i])] if i < len(one) else []) + (
            [(i, True, None)] if grow_one else []
        )
        steps_two = ([(j + 1, two[j] is None, two[j])] if j < len(two) else []) + (
            [(j, True, None)] if grow_two else []
        )
        for a, grows_a, character_a in steps_one:
            for b, grows_b, character_b in steps_two:
                if character_a is None or character_b is None or character_a == character_b:
                    todo.append((a, b, grows_a, grows_b))
    return False


class PatternIndex(Generic[Owner]):
    """Many patterns: a path finds those that match it by a few look-ups, not by trying each."""

    def __init__(self) -> None:
        self._literal: dict[str, list[Owner]] = {}
        self._by_ends: dict[tuple[str, str], list[tuple[Pattern, Owner]]] = {}
        self._lengths: list[tuple[int, int]] = []

    def add(self, pattern: Pattern, owner: Owner) -> None:
        """Add a pattern with what it stands for."""
        if not pattern.places:
            self._literal.setdefault(pattern.literals[0], []).append(owner)
            return
        ends = (pattern.literals[0], pattern.literals[-1])
        self._by_ends.setdefault(ends, []).append((pattern, owner))
        lengths = (len(ends[0]), len(ends[1]))
        if lengths not in self._lengths:
            self._lengths.append(lengths)

    def exact(self, path: str) -> Sequence[Owner]:
        """Return the owners of patterns without wildcards that are this path."""
        return self._literal.get(path, ())

    def matching(self, path: str) -> list[tuple[Owner, tuple[str, ...]]]:
        """Return the owners of patterns with wildcards that match a path, each with the values of its names."""
        found = []
        size = len(path)
        for before, after in self._lengths:
            if before + after < size:
                for pattern, owner in self._by_ends.get((path[:before], path[size - after :]), ()):
                    values = pattern.match(path)
                    if values is not None:
                        found.append((owner, values))
        return found

    def overlapping(self, pattern: Pattern) -> list[tuple[Pattern, Owner]]:
        """Return the patterns of which some path could match this one too."""
        found = [
            (Pattern((path,), ()), owner)
            for path, owners in self._literal.items()
            if pattern.match(path) is not None
            for owner in owners
        ]
        for (before, after), patterns in self._by_ends.items():
            mine, end = pattern.literals[0], pattern.literals[-1]
            if (mine.startswith(before) or before.startswith(mine)) and (end.endswith(after) or after.endswith(end)):
                found += [(other, owner) for other, owner in patterns if overlap(pattern, other)]
        return found


# ---------------------------------------------------------------- the regular expressions that narrow a wildcard


class RegexError(ValueError):
    """A narrowing expression that is refused; `start` and `end` are the place in its text."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end


def parse_regex(text: str) -> str:
    """Return a narrowing expression with its groups made silent.

    Raises RegexError for what is not a regular expression, or could match nothing, or could run away.
    """
    scanner = _RegexScanner(text)
    silent = scanner.run()
    try:
        compiled = re.compile(silent)
    except (re.error, OverflowError, RecursionError) as problem:
        at = getattr(problem, "pos", 0) or 0
        at = min(at, max(0, len(text) - 1))
        message = f"this is not a regular expression: {getattr(problem, 'msg', problem)}"
        raise RegexError(message, at, at + 1) from None
    if compiled.fullmatch(""):
        message = "this expression also matches the empty text, which a wildcard may not"
        raise RegexError(message, 0, len(text))
    return f"(?:{silent})"


_REFUSED_ESCAPES = {**dict.fromkeys("AZbB", "an anchor"), **dict.fromkeys("123456789", "a back-reference")}


class _RegexScanner:
    """Reads an expression once, from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.out: list[str] = []
        self.groups: list[list[bool]] = [[False]]
        """For each open group (the outermost is the expression), whether it holds a repeat so far."""

    def run(self) -> str:
        text, at = self.text, 0
        repeats: Callable[[], bool] = lambda: False  # noqa: E731  # whether the atom before holds a repeat
        while at < len(text):
            character = text[at]
            step = 1
            atom_repeats = False
            if character == "\\":
                step = self._escape(at)
            elif character == "[":
                step = self._class(at)
            elif character == "(":
                step = self._open(at)
            elif character == ")" and len(self.groups) > 1:
                atom_repeats = self.groups.pop()[0]
                if atom_repeats:
                    self.groups[-1][0] = True
                self.out.append(character)
            elif character in "*+?{" and (
                quantifier := re.compile(r"(?:[*+?]|\{[0-9]*,?[0-9]*\})[?+]?").match(text, at)
            ):
                step = quantifier.end() - at
                self._repeat(at, quantifier.group(), inner=repeats())
                atom_repeats = False
            else:
                if character in "^$":
                    self._refuse(at, at + 1, "an anchor")
                self.out.append(character)
            held = atom_repeats
            repeats = lambda held=held: held  # type: ignore[misc]  # noqa: E731
            at += step
        return "".join(self.out)

    def _refuse(self, start: int, end: int, what: str) -> None:
        message = f"{what} may not stand here: a wildcard is narrowed by a regular expression and nothing more"
        raise RegexError(message, start, end)

    def _escape(self, at: int) -> int:
        following = self.text[at + 1 : at + 2]
        if following in _REFUSED_ESCAPES:
            self._refuse(at, at + 2, _REFUSED_ESCAPES[following])
        self.out.append(self.text[at : at + 2])
        return 2

    def _class(self, at: int) -> int:
        text = self.text
        end = at + 1
        if text[end : end + 1] == "^":
            end += 1
        if text[end : end + 1] == "]":
            end += 1
        while end < len(text) and text[end] != "]":
            end += 2 if text[end] == "\\" else 1
        self.out.append(text[at : end + 1])
        return end + 1 - at

    def _open(self, at: int) -> int:
        self.groups.append([False])
        rest = self.text[at : at + 4]
        if rest.startswith("(?:"):
            self.out.append("(?:")
            return 3
        if rest.startswith(("(?=", "(?!", "(?<=", "(?<!")):
            self._refuse(at, at + 3, "look-around")
        if rest.startswith("(?P="):
            self._refuse(at, at + 4, "a back-reference")
        if rest.startswith("(?"):
            self._refuse(at, at + 3, "a group with flags or a name")
        self.out.append("(?:")
        return 1

    def _repeat(self, at: int, quantifier: str, *, inner: bool) -> None:
        bounds = re.fullmatch(r"\{([0-9]*)(,?)([0-9]*)\}[?+]?", quantifier)
        unbounded = quantifier[0] in "*+" or (bounds is not None and bounds[2] == "," and not bounds[3])
        most = 1 if quantifier[0] == "?" else int(bounds[3] or bounds[1] or 1) if bounds and not unbounded else 2
        if inner and (unbounded or most > 1):
            message = "a repeat of a repeat could run away"
            raise RegexError(message, at, at + len(quantifier))
        if bounds and most > 1000:  # noqa: PLR2004  # a name of a file has at most 255 bytes
            message = "a repeat of more than 1000 times matches no name of a file"
            raise RegexError(message, at, at + len(quantifier))
        if unbounded or most > 1:
            self.groups[-1][0] = True
        self.out.append(quantifier)


def readable(patterns: Iterable[Pattern]) -> str:
    """Return patterns as text for people."""
    return ", ".join(f"`{pattern.text}`" for pattern in patterns)
