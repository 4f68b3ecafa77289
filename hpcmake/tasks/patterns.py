"""Wildcard patterns: matching, filling, and one index of many patterns.

Owns what `{name}` means in a pattern of files.  Knows nothing of rules: an index maps patterns to whatever it is given.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Generic, TypeVar

    Owner = TypeVar("Owner")
else:

    class Generic:
        """Stands for that of typing, which is slow to import: what a type checker sees is not needed at run time."""

        def __class_getitem__(cls, _item: object) -> type:
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
