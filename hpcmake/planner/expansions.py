"""Reading what words of the shell are made of: quotes, expansions, arithmetic, backquotes.

Owns a stretch of text that is being read, and the constructs that enclose a character.  Knows nothing of commands: what
a list of them is, is known to `shell`.
"""

from __future__ import annotations

import re

from hpcmake.planner.levels import ARITHMETIC, COMMAND, DOUBLE, HERE, PARAMETER, VALUE, Level, Scan
from hpcmake.tasks import quoting
from hpcmake.tasks.quoting import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SINGLE_END = re.compile(r"[^'\x00]*")
_ANSI_RUN = re.compile(r"(?:[^'\\\x00]|\\[^\x00])*")
_RUNS = {
    DOUBLE: re.compile(r'(?:[^"\\$`\x00]|\\[^\x00])+'),
    HERE: re.compile(r"(?:[^\\$`\x00]|\\[^\x00])+"),
    PARAMETER: re.compile(r"(?:[^}'\"\\$`\x00]|\\[^\x00])+"),
    ARITHMETIC: re.compile(r"(?:[^()\[\]\"\\$`\x00]|\\[^\x00])+"),
}
_PARAMETER_NAME = re.compile(r"[!#]?(?:[A-Za-z0-9_]+|[@*#?$!-])?")
_PARAMETER_OPERATOR = re.compile(r"(?P<word>:?[-=?+])|(?P<pattern>##?|%%?|/[/#%]?|\^\^?|,,?|@)|(?P<number>:)")
_BACKQUOTED = re.compile(r"(?:[^`\\]|\\.)*", re.DOTALL)
_PARENTHESES = re.compile(r"[()]|\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_DEEP = 60  # here-documents and backquotes within each other


class Stretch:
    """Text that is being read; a here-document or a backquoted command in it is a stretch of its own."""

    def __init__(
        self, text: str, found: Scan, at: int = 0, end: int | None = None, inside: Stretch | None = None
    ) -> None:
        self.text = text
        self.found = found
        self.at = at
        self.end = len(text) if end is None else end
        self.origin: list[int] | None = inside.origin if inside else None  # where each character of `text` came from
        self.backquotes_around: int = inside.backquotes_around if inside else 0
        self.nesting: int = inside.nesting + 1 if inside else 0
        self.delimiters: tuple[str, ...] = inside.delimiters if inside else ()  # of here-documents around, inmost last
        self.tabs_lost: bool = inside.tabs_lost if inside else False  # in one of them
        self.is_toggled: bool = inside.is_toggled if inside else False  # backquotes in double quotes around
        self.levels: list[Level] = []
        self.budget = 8 * len(text) + 1000  # characters that may be read ahead, so that the whole stays linear

    def steps(self) -> dict[str, Callable[[Level], None]]:
        """Return what reads on in each construct."""
        return {DOUBLE: self._double, HERE: self._double, PARAMETER: self._parameter, ARITHMETIC: self._arithmetic}

    def run(self, kind: str) -> None:
        """Read the stretch, which begins as text of a kind."""
        levels = self.levels
        levels.append(Level(kind))
        steps = self.steps()
        while self.at < self.end:
            level = levels[-1]
            steps[level.kind](level)

    # ------------------------------------------------------------ what is found

    def place(self, kind: str, *, brace: str = "{", apostrophe: str = "'\\''", **facts: bool) -> None:
        """Note the place of the value at hand, and pass it."""
        self.found.places.append(
            Place(
                kind,
                brace=brace,
                apostrophe=apostrophe,
                delimiters=self.delimiters,
                tabs_lost=self.tabs_lost,
                backquotes=self.backquotes_around,
                **facts,
            )
        )
        self.at += 1

    def edit(self, at: int, insertion: str) -> None:
        """Note a text to be inserted."""
        self.found.edits.append((self.origin[at] if self.origin else at, insertion))

    def problem(self, what: str, further: int = 0) -> None:
        """Note what cannot be, at the value that comes next, or at a further one."""
        self.found.problems.append((what, len(self.found.places) + further))

    def skip(self, run: re.Pattern[str]) -> bool:
        """Pass the characters that mean nothing here; return whether there were any."""
        match = run.match(self.text, self.at, self.end)
        if match is None or match.end() == self.at:
            return False
        self.at = match.end()
        return True

    def values_until(self, end: int, kind: str) -> None:
        """Note the values up to an offset, which nothing else interrupts."""
        count = self.text.count(VALUE, self.at, end)
        for _ in range(count):
            self.place(kind)
        self.at = end

    # ------------------------------------------------------------ quotes

    def quotes(self, level: Level, c: str) -> None:
        r"""Read what means the same wherever words stand: `\`, quotes, `$` and a backquote, or one character."""
        level.part()
        if c == "\\":
            if self.text[self.at + 1 : self.at + 2] == VALUE:
                self.problem("backslash")
                self.at += 1
            else:
                self.at += 2
        elif c == "'":
            self.at += 1
            self._single(quoting.SINGLE, level)
        elif c == '"':
            self.at += 1
            self._begin_double()
        elif c == "$":
            self._dollar("")
        elif c == "`":
            self._backquotes()
        else:
            self.at += 1

    def _single(self, kind: str, level: Level) -> None:
        """Read up to the `'` that ends it."""
        while self.at < self.end:
            self.skip(_SINGLE_END)
            if self.at < self.end:
                if self.text[self.at] == "'":
                    self.at += 1
                    return
                self.place(kind, brace=level.brace, apostrophe=level.apostrophe)

    def _ansi(self) -> None:
        while self.at < self.end:
            self.skip(_ANSI_RUN)
            c = self.text[self.at : self.at + 1] if self.at < self.end else ""
            if c == "\\":
                self._lone_backslash()
            elif c == VALUE:
                self.place(quoting.ANSI)
            else:
                self.at += 1
                return

    def _double(self, level: Level) -> None:
        if self.skip(_RUNS[level.kind]):
            return
        c = self.text[self.at]
        if c == '"':
            self.at += 1
            self.levels.pop()
        elif c == "$":
            self._dollar(level.kind)
        elif c == "`":
            self._backquotes()
        elif c == VALUE:
            kind = (
                quoting.HERE if level.kind == HERE else quoting.PLAIN if level.quoted == ARITHMETIC else quoting.DOUBLE
            )
            self.place(kind, brace=level.brace)
        else:
            self._lone_backslash()

    def _begin_double(self) -> None:
        around = self.levels[-1]
        level = Level(DOUBLE)
        if around.kind == ARITHMETIC and around.state != "subscript":
            level.quoted = ARITHMETIC
        # to bash, looking for {a,b} before all else, a quote in quotes ends them
        elif around.kind == PARAMETER and around.quoted == DOUBLE:
            level.brace = '"{"'
        elif self.is_toggled:
            level.brace = "\"'{'\""
        self.levels.append(level)

    def _lone_backslash(self) -> None:
        """Read a backslash that, before a value or the end, stands for itself."""
        if self.text.startswith(VALUE, self.at + 1):
            self.edit(self.at, "\\" * 2**self.backquotes_around)
        self.at += 1

    def _dollar(self, quoted: str) -> None:
        """Read a `$` and what it begins; `quoted` says in what it stands."""
        text, at = self.text, self.at
        after = text[at + 1 : at + 2] if at + 1 < self.end else ""
        self.at += 2
        if after == "(":
            if text.startswith("(", at + 2) and self.is_arithmetic(at + 3):
                self.at += 1
                self.levels.append(Level(ARITHMETIC, "))"))
            else:
                self.levels.append(Level(COMMAND, ")"))
        elif after == "{":
            level = Level(PARAMETER, "}")
            level.state = "name"
            level.quoted = quoted
            if quoted == DOUBLE:
                level.brace = '"{"'
            self.at = _PARAMETER_NAME.match(text, self.at, self.end).end()  # type: ignore[union-attr]  # matches nothing too
            self.levels.append(level)
        elif after == "[":
            self.levels.append(Level(ARITHMETIC, "]"))
        elif after == "'" and not quoted:
            self._ansi()
        elif after == '"' and not quoted:
            self._begin_double()
        else:
            name = _NAME.match(text, at + 1, self.end)
            if name is None:
                self.at = at + 2 if after in ("#", "?", "$", "!", "@", "*", "-") else at + 1
                return
            self.at = name.end()
            if self.at < self.end and text[self.at] == VALUE:
                self.edit(at + 1, "{")
                self.edit(self.at, "}")

    def _backquotes(self) -> None:
        """Read a backquoted command: its text, less one level of backslashes, is a stretch of its own."""
        end = self.at + 1
        if match := _BACKQUOTED.match(self.text, end, self.end):
            end = match.end()
        characters: list[str] = []
        origin: list[int] = []
        at = self.at + 1
        while at < end:
            if self.text[at] == "\\" and at + 1 < end:
                if self.text[at + 1] == VALUE:
                    self.problem("backslash", characters.count(VALUE))
                elif self.text[at + 1] in "\\`$":
                    at += 1
            characters.append(self.text[at])
            origin.append(self.origin[at] if self.origin else at)
            at += 1
        inner = self.inner("".join(characters), 0, len(characters))
        inner.origin = origin
        inner.backquotes_around += 1
        around = self.levels[-1]
        inner.is_toggled = self.is_toggled or DOUBLE in (around.kind, around.quoted)
        self.at = end + 1
        self.run_inside(inner, COMMAND)

    def inner(self, text: str, at: int, end: int) -> Self:
        """Return a stretch within this one."""
        return type(self)(text, self.found, at, end, self)

    def run_inside(self, inner: Stretch, kind: str) -> None:
        """Read a stretch within this one."""
        if inner.nesting > _DEEP:
            self.problem("deep")
            values = inner.text.count(VALUE, inner.at, inner.end)
            self.found.places.extend([Place(quoting.PLAIN)] * values)
        else:
            inner.run(kind)

    # ------------------------------------------------------------ expansions

    def _parameter(self, level: Level) -> None:
        if level.state == "name":
            self._parameter_name(level)
            return
        if self.skip(_RUNS[PARAMETER]):
            return
        c = self.text[self.at]
        if c == "}":
            self.at += 1
            self.levels.pop()
        elif c == VALUE:
            if level.state == "number":
                self.place(quoting.PLAIN)
            else:
                self.place(quoting.PARAMETER, joined=bool(level.quoted), brace=level.brace)
        elif c == "'" and level.quoted:
            self.at += 1
            # in "${x:-'…'}" the quotes pair, and yet `$` is read between them
            self._single(quoting.SINGLE_PARAMETER if level.state == "pattern" else quoting.PLAIN, level)
        elif c == "$":
            self._dollar(level.quoted)
        elif c == "\\" and level.quoted:
            self._lone_backslash()
        else:
            self.quotes(level, c)

    def _parameter_name(self, level: Level) -> None:
        text, at = self.text, self.at
        c = text[at]
        operator = _PARAMETER_OPERATOR.match(text, at, self.end)
        if c == "}":
            self.at += 1
            self.levels.pop()
        elif c == "[":
            self.at += 1
            level = Level(ARITHMETIC, "]")
            level.state = "subscript"
            self.levels.append(level)
        elif operator:
            self.at = operator.end()
            level.state = operator.lastgroup or "word"
        elif c == VALUE:
            self.place(quoting.PLAIN)
        else:
            self.at += 1

    def _arithmetic(self, level: Level) -> None:
        if self.skip(_RUNS[ARITHMETIC]):
            return
        c = self.text[self.at]
        opening, closing = "[]" if level.closes == "]" else "()"
        if c == VALUE:
            self.place(quoting.PLAIN)
        elif c == opening:
            level.depth += 1
            self.at += 1
        elif c == closing:
            self.at += 1
            if level.depth:
                level.depth -= 1
            else:
                self.at += len(level.closes) - 1
                self.levels.pop()
        elif c == "$":
            self._dollar(DOUBLE)
        elif c in '"`\\':
            self.quotes(level, c)
        else:
            self.at += 1

    def is_arithmetic(self, at: int) -> bool:
        """Return whether the `((` before an offset is closed by `))`, and is not two subshells."""
        depth = 0
        start = at
        while self.budget > 0:
            match = _PARENTHESES.search(self.text, at, self.end)
            if match is None:
                break
            at = match.end()
            if match[0] == "(":
                depth += 1
            elif match[0] == ")":
                if not depth:
                    self.budget -= at - start
                    return self.text.startswith(")", at)
                depth -= 1
        self.budget -= self.end - start
        return True
