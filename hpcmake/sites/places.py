"""The text of a TOML file with the place of each key and value, so that a mistake can be shown where it stands.

Owns Entry and the search for places in a text that the standard library has read.  Knows nothing of what keys mean.
"""

from __future__ import annotations

import re

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.record import Record
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Path: TypeAlias = tuple[str | int, ...]

_DEEPEST = 40
_LARGEST = 1_000_000
_MANY_DOTS = re.compile(r"""(?<![\w"'-])(?:[\w"'-]+[ \t]*\.[ \t]*){40}""")
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_BLANK = re.compile(r"(?:[ \t]+|#[^\n]*)*")
_SPACE = re.compile(r"(?:[ \t\n]+|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}#\n]*")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'")
_LONG = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''.*?'{3,5}", re.DOTALL)


class Entry(Record):
    """A value of a TOML file: `value` is a dict or a list of entries, or what the standard library made of it.

    `key` is where its name stands, `span` where the value does; both are the header of a table.
    """

    value: Any
    key: Span
    span: Span


def parse_entries(source: Source) -> Entry:
    """Return the whole file as one table of entries.  Raises Trouble if it is not TOML."""
    import tomllib  # takes milliseconds, and only sites need it

    if len(source.text) > _LARGEST:
        raise Trouble(Diagnostic("E901", f"{source.name} is no site file: it has over a million characters"))
    if _depth(source.text) > _DEEPEST or _MANY_DOTS.search(source.text):
        raise Trouble(Diagnostic("E901", f"{source.name} is no site file: it is nested over {_DEEPEST} deep"))
    try:
        plain = tomllib.loads(source.text)
    except ValueError as problem:  # an integer of thousands of digits is one too, and not a TOMLDecodeError
        raise Trouble(_not_toml(source, str(problem))) from None
    places = _Places(source).read()
    whole = Span(source, 0, len(source.text))
    return _entry(plain, (), places, whole)


def _depth(text: str) -> int:
    """Return how deep brackets are nested at most; those in strings count too, which does no harm."""
    deepest = depth = 0
    for sign in re.findall(r"[\[\]{}]", text):
        depth = max(0, depth + (1 if sign in "[{" else -1))
        deepest = max(deepest, depth)
    return deepest


def _not_toml(source: Source, problem: str) -> Diagnostic:
    found = _AT.search(problem)
    text = problem[: found.start()] if found else problem
    start = len(source.text.rstrip())
    if found and found[1] and int(found[1]) <= len(source.starts()):
        start = source.starts()[int(found[1]) - 1] + int(found[2]) - 1
    span = Span(source, min(start, len(source.text)), min(start + 1, len(source.text)))
    words = text[:1].lower() + text[1:]
    help_ = 'a line is `key = value`, texts stand in quotes: `poll = "60s"`'
    return Diagnostic("E901", f"{source.name} is not TOML: {words}", span, help=help_)


def _entry(value: object, path: Path, places: dict[Path, tuple[Span, Span]], parent: Span) -> Entry:
    key, span = places.get(path, (parent, parent))
    if isinstance(value, dict):
        value = {name: _entry(each, (*path, name), places, key) for name, each in value.items()}
    elif isinstance(value, list):
        value = [_entry(each, (*path, index), places, span) for index, each in enumerate(value)]
    return Entry(value, key, span)


class _Places:
    """Walks over a text that is known to be TOML; where it does not find its way, places are merely missing."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0
        self.found: dict[Path, tuple[Span, Span]] = {}
        self.counts: dict[Path, int] = {}

    def read(self) -> dict[Path, tuple[Span, Span]]:
        table: Path = ()
        while True:
            self.skip(_SPACE)
            if self.at >= len(self.text):
                return self.found
            before = self.at
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            if self.at == before:
                return self.found

    def skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()

    def header(self) -> Path:
        start = self.at
        many = self.text.startswith("[[", start)
        self.at += 2 if many else 1
        names = self.names()
        self.skip(_BLANK)
        self.at += 2 if many else 1
        span = Span(self.source, start, min(self.at, len(self.text)))
        path: Path = ()
        for index, (name, _) in enumerate(names):
            path = (*path, name)
            last = index == len(names) - 1
            if last and many:
                self.found.setdefault(path, (span, span))
                self.counts[path] = self.counts.get(path, 0) + 1
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
            self.found.setdefault(path, (span, span))
        return path

    def names(self) -> list[tuple[str, Span]]:
        """Read a key, dotted or not."""
        found: list[tuple[str, Span]] = []
        while True:
            self.skip(_BLANK)
            match = _QUOTED.match(self.text, self.at) or _BARE_KEY.match(self.text, self.at)
            if match is None:
                return found
            self.at = match.end()
            found.append((self.unquoted(match[0]), Span(self.source, match.start(), match.end())))
            self.skip(_BLANK)
            if not self.text.startswith(".", self.at):
                return found
            self.at += 1

    def unquoted(self, text: str) -> str:
        if text[0] == "'":
            return text[1:-1]
        if text[0] != '"':
            return text
        import tomllib

        return str(tomllib.loads(f"x = {text}")["x"])

    def pair(self, table: Path) -> None:
        path = table
        names = self.names()
        self.skip(_BLANK)
        self.at += 1  # the equals sign
        self.skip(_BLANK)
        start = self.at
        whole = (*table, *(name for name, _ in names))
        self.value(whole)
        span = Span(self.source, start, max(start, self.at))
        for name, key in names:
            path = (*path, name)
            self.found.setdefault(path, (key, span))

    def value(self, path: Path) -> None:
        """Pass over a value; note the places of what is in it."""
        text = self.text
        for pattern in (_LONG, _QUOTED):
            match = pattern.match(text, self.at)
            if match:
                self.at = match.end()
                return
        if text.startswith("[", self.at):
            self.items(path)
        elif text.startswith("{", self.at):
            self.at += 1
            while True:
                self.skip(_SPACE)
                if self.at >= len(text) or text[self.at] == "}":
                    break
                before = self.at
                self.pair(path)
                self.separator()
                if self.at == before:
                    break
            self.at += 1
        else:
            match = _BARE_VALUE.match(text, self.at)
            self.at += len(match[0].rstrip()) if match else 0

    def items(self, path: Path) -> None:
        self.at += 1
        index = 0
        while True:
            self.skip(_SPACE)
            if self.at >= len(self.text) or self.text[self.at] == "]":
                break
            start = self.at
            self.value((*path, index))
            span = Span(self.source, start, self.at)
            self.found.setdefault((*path, index), (span, span))
            self.separator()
            if self.at == start:
                break
            index += 1
        self.at += 1

    def separator(self) -> None:
        self.skip(_SPACE)
        if self.text.startswith(",", self.at):
            self.at += 1
