"""Reading shell text as bash does, as far as it takes to know where each value stands.

Owns lists of commands: words, operators, keywords, `case`, `[[ ]]`, comments and here-documents.
Knows nothing of names and braces: a value is one NUL character in the text that it reads.
"""

from __future__ import annotations

import re

from hpcmake.planner.expansions import Stretch
from hpcmake.planner.levels import (
    ARITHMETIC,
    ARRAY,
    CASE,
    COMMAND,
    CONDITION,
    GLOB,
    GROUP,
    HERE,
    VALUE,
    Document,
    Level,
    Scan,
)
from hpcmake.tasks import quoting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def scan(text: str) -> Scan:
    """Return where each value of a shell text stands.  Linear in the text."""
    found = Scan()
    _Commands(text, found).run(COMMAND)
    return found


_LISTS = (COMMAND, GROUP, ARRAY, CASE)
_RUN = re.compile(r"[^ \t\n\\'\"`$#;&|()<>{}\[\x00]+")
_CONDITION_RUN = re.compile(r"[^ \t\n\\'\"`$#;&|()<>\x00]+")
_GLOB_RUN = re.compile(r"[^()\\'\"`$\x00]+")
_BLANK = re.compile(r"(?:[ \t]|\\\n)*")
_LINE = re.compile(r"[^\n]*")
_OPERATOR = re.compile(r"&>>|&>|&&|&|\|\||\|&|\||;;&|;;|;&|;|<<<|<<-|<<|<\(|<&|<>|<|>\(|>>|>&|>\||>")
_DESCRIPTOR = re.compile(r"[0-9]*[<>]")
_assigns = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=").match
_GOES_ON = frozenset(("if", "then", "else", "elif", "while", "until", "do", "!", "time", "coproc", "{"))
_DECLARES = frozenset(("export", "declare", "local", "readonly", "typeset"))
_WORD_ENDS = frozenset(" \t\n;&|<>()")
_DELIMITER = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|\\(.)|([^\s'\"\\;&|<>()\x00]+)", re.DOTALL)


class _Commands(Stretch):
    """A stretch that is, or may hold, lists of commands."""

    def steps(self) -> dict[str, Callable[[Level], None]]:
        """Return what reads on in each construct."""
        return super().steps() | {
            COMMAND: self._command,
            GROUP: self._command,
            ARRAY: self._command,
            CASE: self._command,
            CONDITION: self._condition,
            GLOB: self._glob,
        }

    def _end_of(self, run: re.Pattern[str]) -> int:
        """Return where the characters end that a pattern takes, perhaps none."""
        match = run.match(self.text, self.at, self.end)
        return match.end() if match else self.at

    def _command(self, level: Level) -> None:
        match = _RUN.match(self.text, self.at, self.end)
        if match:
            self._extend(level, match[0])
            self.at = match.end()
            return
        c = self.text[self.at]
        if c in " \t" or (c == "\\" and self.text.startswith("\\\n", self.at)):
            # a continued line neither begins nor ends a word
            if c == "\\":
                self.at += 2
            else:
                self._end_word(level)
                self.at = self._end_of(_BLANK)
        elif c == "\n":
            self._newline(level)
        elif c == "#" and level.word is None:
            self.values_until(self._end_of(_LINE), quoting.COMMENT)
        elif c == "(":
            self._open(level)
        elif c == ")":
            self._close(level)
        elif c in ";&|<>":
            self._operator(level)
        elif c in "{}[":
            self._bracket(level, c)
        elif c == VALUE:
            self._value(level)
        else:
            self.quotes(level, c)

    def _extend(self, level: Level, run: str) -> None:
        if level.word is None:
            level.word = run
            level.literal = True
            level.brackets = False
            level.assigns = (level.first or level.declares) and _assigns(run) is not None
        else:
            level.literal = False

    def _bracket(self, level: Level, c: str) -> None:
        text, at = self.text, self.at
        after = text[at + 1] if at + 1 < self.end else "\n"
        if c == "[" and level.word is None and level.first and after == "[":
            rest = text[at + 2] if at + 2 < self.end else "\n"
            if rest in " \t\n":
                self.at += 2
                level.first = False
                self.levels.append(Level(CONDITION))
                return
        if level.word is None and c != "[":
            self._extend(level, c)
        else:
            level.part()
        level.brackets = level.brackets or c != "}"
        self.at += 1

    def _end_word(self, level: Level) -> None:
        """Judge the word that ends here: a keyword, an assignment, the name of a command, an argument."""
        word = level.word
        if word is None:
            return
        literal = level.literal
        level.word = None
        if level.target:
            level.target = ""
        elif level.kind == CASE and level.state != "body":
            self._end_case_word(level, word if literal else "")
        elif level.state == "function":
            level.state = ""
            level.first = True
        elif level.first and not level.assigns:
            self._begin_command(level, word if literal else "")

    def _begin_command(self, level: Level, word: str) -> None:
        if word in _GOES_ON:
            return
        level.first = False
        if word == "case":
            inner = Level(CASE, pending=level.pending)
            inner.state = "word"
            self.levels.append(inner)
        elif word == "esac" and level.kind == CASE:
            self.levels.pop()
        elif word in ("function", "for", "select"):
            level.state = word if level.kind != CASE else level.state
        elif word in _DECLARES:
            level.declares = True

    def _end_case_word(self, level: Level, word: str) -> None:
        if level.state == "word":
            level.state = "in"
        elif level.state == "in":
            if word == "in":
                level.state = "pattern"
                level.first = True  # `esac` may stand here
        elif word == "esac" and level.first:
            self.levels.pop()
        else:
            level.first = False

    def _separate(self, level: Level) -> None:
        """Begin another command."""
        level.first = level.kind != ARRAY and (level.kind != CASE or level.state in ("body", "pattern"))
        level.declares = False
        level.target = ""
        if level.kind != CASE:
            level.state = ""

    def _newline(self, level: Level) -> None:
        self._end_word(level)
        level = self.levels[-1]  # a keyword may have begun or ended a `case`
        self._separate(level)
        self.at += 1
        if level.pending:
            self._documents(level)

    def _operator(self, level: Level) -> None:
        operator = _OPERATOR.match(self.text, self.at, self.end)[0]  # type: ignore[index]  # one of these is there
        if operator[0] in "<>" and level.word is not None and level.literal and level.word.isdigit():
            level.word = None  # the descriptor of a redirection
        if operator in ("<(", ">("):
            self.at += 2
            level.part()
            self.levels.append(Level(COMMAND, ")"))
            return
        self._end_word(level)
        level = self.levels[-1]
        self.at += len(operator)
        if operator in ("<<", "<<-"):
            self._begin_document(level, tabs_lost=operator == "<<-")
        elif operator[0] in "<>" or operator in ("&>", "&>>"):
            level.target = "text" if operator == "<<<" else "file"
        elif level.kind == CASE and operator in (";;", ";&", ";;&"):
            level.state = "pattern"
            self._separate(level)
        elif level.kind == CASE and level.state == "pattern" and operator == "|":
            level.first = False
        else:
            self._separate(level)

    def _open(self, level: Level) -> None:
        text, at = self.text, self.at
        if level.word is not None and text[at - 1] in "?*+@!":
            level.literal = False
            inner = Level(GLOB, ")")
        elif level.word is not None and level.assigns and text[at - 1] == "=":
            level.literal = False
            inner = Level(ARRAY, ")", level.pending)
        elif level.kind == CASE and level.state == "pattern":
            self.at += 1
            return
        elif level.word is None and text.startswith("((", at) and self.is_arithmetic(at + 2):
            level.first = False
            self.at += 2
            self.levels.append(Level(ARITHMETIC, "))"))
            return
        else:
            self._end_word(level)
            level = self.levels[-1]
            level.first = True  # a function's body follows
            inner = Level(GROUP, ")", level.pending)
        self.at += 1
        self.levels.append(inner)

    def _close(self, level: Level) -> None:
        self._end_word(level)
        self.at += 1
        level = self.levels[-1]
        if level.kind == CASE and level.state in ("pattern", "in", "word"):
            level.state = "body"
            level.first = True
            return
        depth = len(self.levels) - 1
        while depth and self.levels[depth].kind == CASE:
            depth -= 1
        if not self.levels[depth].closes:
            self._separate(level)  # a parenthesis too many
            return
        left = self.levels[depth].pending
        del self.levels[depth:]
        outer = next((each for each in reversed(self.levels) if each.kind in _LISTS), None)
        if outer is not None and left is not outer.pending:
            outer.pending.extend(left)

    # ------------------------------------------------------------ values

    def _is_glued(self) -> bool:
        """Return whether something follows the value at hand in its word."""
        at = self.at + 1
        while self.text.startswith("\\\n", at):
            at += 2
        return at < self.end and self.text[at] not in _WORD_ENDS

    def _value(self, level: Level) -> None:
        text, at = self.text, self.at
        before = text[at - 1] if at else ""
        begins = level.word is None
        level.part()
        in_case = level.kind == CASE and level.state != "body"
        assigns = level.assigns
        self.place(
            quoting.WORD,
            apostrophe=level.apostrophe,
            glued=not begins or self._is_glued(),
            joined=assigns or in_case or level.target == "text",
            first=level.first and not assigns and not level.target,
            careful=level.brackets or in_case,
            quoted=before == "~" or _DESCRIPTOR.match(text, at + 1, self.end) is not None,
            target=level.target == "file",
        )

    # ------------------------------------------------------------ here-documents

    def _begin_document(self, level: Level, *, tabs_lost: bool) -> None:
        self.at = self._end_of(_BLANK)
        delimiter: list[str] = []
        quoted = False
        while match := _DELIMITER.match(self.text, self.at, self.end):
            single, double, escaped, plain = match.groups()
            if VALUE in match[0]:
                break
            quoted = quoted or plain is None
            delimiter.append(
                plain or single or (re.sub(r"\\([\\$`\"])", r"\1", double) if double else "") or escaped or ""
            )
            self.at = match.end()
        if self.text[self.at : self.at + 1] == VALUE or (match and VALUE in match[0]):
            self.problem("delimiter")
        level.pending.append(("".join(delimiter), quoted, tabs_lost))

    def _documents(self, level: Level) -> None:
        """Read the here-documents that begin on this line."""
        pending = level.pending[:]
        level.pending.clear()
        for delimiter, quoted, tabs_lost in pending:
            end, after = self._end_of_document(delimiter, quoted=quoted, tabs_lost=tabs_lost)
            inner = self.inner(self.text, self.at, end)
            inner.tabs_lost = inner.tabs_lost or tabs_lost
            if quoted:
                # in backquotes a value is not what it will be: there, lines are compared with care beforehand
                if not self.origin:
                    self.found.documents.append(Document(self.at, end, delimiter, tabs_lost))
                inner.delimiters = inner.delimiters if not self.origin else (*inner.delimiters, delimiter)
                inner.values_until(end, quoting.RAW_HERE)
            else:
                inner.delimiters = (*inner.delimiters, delimiter)
                self.run_inside(inner, HERE)
            self.at = after

    def _end_of_document(self, delimiter: str, *, quoted: bool, tabs_lost: bool) -> tuple[int, int]:
        """Return where the text of a here-document ends, and where what follows it begins."""
        line = re.compile(("^\t*" if tabs_lost else "^") + re.escape(delimiter) + "$", re.MULTILINE)
        at = self.at
        while match := line.search(self.text, at, self.end):
            before = match.start() - 1
            backslashes = 0
            while not quoted and before - 1 - backslashes >= self.at and self.text[before - 1 - backslashes] == "\\":
                backslashes += 1
            if backslashes % 2 == 0:
                return match.start(), min(match.end() + 1, self.end)
            at = match.end() + 1
            if at > self.end:
                break
        return self.end, self.end

    # ------------------------------------------------------------ conditions and globs

    def _condition(self, level: Level) -> None:
        match = _CONDITION_RUN.match(self.text, self.at, self.end)
        if match:
            self._extend(level, match[0])
            self.at = match.end()
            return
        c = self.text[self.at]
        if c in " \t\n;&|()<>":
            ends = level.word == "]]" and level.literal
            level.word = None
            if ends:
                self.levels.pop()  # the level below reads the character
            else:
                self.at += 1
        elif c == "#" and level.word is None:
            self.values_until(self._end_of(_LINE), quoting.COMMENT)
        elif c == VALUE:
            level.part()
            self.place(quoting.WORD, glued=True, joined=True, careful=True)
        else:
            self.quotes(level, c)

    def _glob(self, level: Level) -> None:
        if self.skip(_GLOB_RUN):
            return
        c = self.text[self.at]
        if c == "(":
            self.at += 1
            self.levels.append(Level(GLOB, ")"))
        elif c == ")":
            self.at += 1
            self.levels.pop()
        elif c == VALUE:
            self.place(quoting.WORD, glued=True, joined=True, careful=True)
        else:
            self.quotes(level, c)
