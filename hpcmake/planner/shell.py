"""Reading shell text as bash does, as far as it takes to know where each value stands.

Owns the scanner: quotes, here-documents, comments, expansions, substitutions, arithmetic, `case` and `[[ ]]`.
Knows nothing of names and braces: a value is one NUL character in the text that it reads.
"""

from __future__ import annotations

import re

from hpcmake.planner import quoting
from hpcmake.planner.quoting import Place
from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

VALUE = "\0"
"""Stands for a value in the text that is scanned; a Wfile holds no NUL."""


class Document(Record):
    """The text of a here-document whose delimiter is quoted: from, to, the delimiter, whether tabs are dropped."""

    start: int
    end: int
    delimiter: str
    tabs_lost: bool
    backquotes: int = 0


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


def scan(text: str) -> Scan:
    """Return where each value of a shell text stands.  Linear in the text."""
    found = Scan()
    _Scanner(text, found).run(_COMMAND)
    return found


# kinds of what encloses a character
_COMMAND = "command"  # the text itself, or a substitution `$(…)`
_GROUP = "group"  # `(…)`
_ARRAY = "array"  # `name=(…)`
_CASE = "case"
_CONDITION = "condition"  # `[[ … ]]`
_GLOB = "glob"  # `@(…|…)`
_DOUBLE = "double"
_HERE = "here"
_PARAMETER = "parameter"
_ARITHMETIC = "arithmetic"

_LISTS = (_COMMAND, _GROUP, _ARRAY, _CASE)
_DEEP = 60  # here-documents and backquotes within each other


class _Level:
    """What is known of one of the enclosing constructs."""

    __slots__ = (
        "assigns", "brackets", "closes", "declares", "depth", "first", "kind", "literal", "pending", "quoted", "state",
        "target", "word",
    )  # fmt: skip

    def __init__(self, kind: str, closes: str = "", pending: list[tuple[str, bool, bool]] | None = None) -> None:
        self.kind = kind
        self.closes = closes
        self.pending = [] if pending is None else pending  # here-documents that begin at the next newline
        self.first = kind in (_COMMAND, _GROUP)  # a command is expected
        self.word: str | None = None  # the first characters of the word, None between words
        self.literal = True  # `word` is all of the word
        self.assigns = False  # the word is `name=…`
        self.declares = False  # the command takes assignments as arguments
        self.brackets = False  # the word holds a `{` or `[`
        self.target = ""  # `file` or `text`: what the operator of a redirection expects
        self.state = ""  # of `case`: word, in, pattern, body; of a parameter: name, word, pattern, number
        self.depth = 0
        self.quoted = ""  # what a parameter stands in: a `"`, or `here`


_RUN = re.compile(r"[^ \t\n\\'\"`$#;&|()<>{}\[\x00]+")
_BLANK = re.compile(r"(?:[ \t]|\\\n)+")
_LINE = re.compile(r"[^\n]*")
_OPERATOR = re.compile(r"&>>|&>|&&|&|\|\||\|&|\||;;&|;;|;&|;|<<<|<<-|<<|<\(|<&|<>|<|>\(|>>|>&|>\||>")
_ASSIGNS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=").match
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_GOES_ON = frozenset(("if", "then", "else", "elif", "while", "until", "do", "!", "time", "coproc", "{"))
_DECLARES = frozenset(("export", "declare", "local", "readonly", "typeset"))
_WORD_ENDS = frozenset(" \t\n;&|<>()")
_SINGLE_END = re.compile(r"[^'\x00]*")
_ANSI_RUN = re.compile(r"(?:[^'\\\x00]|\\[^\x00])*")
_RUNS = {
    _DOUBLE: re.compile(r'(?:[^"\\$`\x00]|\\[^\x00])+'),
    _HERE: re.compile(r"(?:[^\\$`\x00]|\\[^\x00])+"),
    _PARAMETER: re.compile(r"(?:[^}'\"\\$`\x00]|\\[^\x00])+"),
    _ARITHMETIC: re.compile(r"(?:[^()\[\]\"\\$`\x00]|\\[^\x00])+"),
    _CONDITION: re.compile(r"[^ \t\n\\'\"`$#;&|()<>\x00]+"),
    _GLOB: re.compile(r"[^()\\'\"`$\x00]+"),
}
_PARAMETER_NAME = re.compile(r"[!#]?(?:[A-Za-z0-9_]+|[@*#?$!-])?")
_PARAMETER_OPERATOR = re.compile(r"(?P<word>:?[-=?+])|(?P<pattern>##?|%%?|/[/#%]?|\^\^?|,,?|@)|(?P<number>:)")
_BACKQUOTED = re.compile(r"(?:[^`\\]|\\.)*", re.DOTALL)
_PARENTHESES = re.compile(r"[()]|\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_DELIMITER = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|\\(.)|([^\s'\"\\;&|<>()\x00]+)", re.DOTALL)


class _Scanner:
    """Reads a stretch of text; a here-document or a backquoted command in it is a stretch of its own."""

    def __init__(
        self, text: str, found: Scan, at: int = 0, end: int | None = None, inside: _Scanner | None = None
    ) -> None:
        self.text = text
        self.found = found
        self.at = at
        self.end = len(text) if end is None else end
        self.origin: list[int] | None = inside.origin if inside else None  # where each character of `text` came from
        self.backquotes = inside.backquotes if inside else 0
        self.nesting = inside.nesting + 1 if inside else 0
        self.document = ("", False)  # delimiter of the here-document that this stretch is, and whether tabs are dropped
        self.levels: list[_Level] = []
        self.budget = 8 * len(text) + 1000  # characters that may be read ahead, so that the whole stays linear

    def run(self, kind: str) -> None:
        """Read the stretch, which begins as text of a kind."""
        levels = self.levels
        levels.append(_Level(kind))
        steps: dict[str, Callable[[_Level], None]] = {
            _COMMAND: self._command, _GROUP: self._command, _ARRAY: self._command, _CASE: self._command,
            _CONDITION: self._condition, _GLOB: self._glob, _DOUBLE: self._double, _HERE: self._double,
            _PARAMETER: self._parameter, _ARITHMETIC: self._arithmetic,
        }  # fmt: skip
        while self.at < self.end:
            level = levels[-1]
            steps[level.kind](level)

    # ------------------------------------------------------------ what is found

    def _place(self, kind: str, **facts: bool) -> None:
        """Note the place of the value at hand, and pass it."""
        delimiter, tabs_lost = self.document if kind in (quoting.HERE, quoting.RAW_HERE) else ("", False)
        place = Place(kind, delimiter=delimiter or None, tabs_lost=tabs_lost, backquotes=self.backquotes, **facts)
        self.found.places.append(place)
        self.at += 1

    def _edit(self, at: int, insertion: str) -> None:
        self.found.edits.append((self.origin[at] if self.origin else at, insertion))

    def _problem(self, what: str) -> None:
        self.found.problems.append((what, len(self.found.places)))

    def _skip(self, run: re.Pattern[str]) -> bool:
        """Pass the characters that mean nothing here; return whether there were any."""
        match = run.match(self.text, self.at, self.end)
        if match is None or match.end() == self.at:
            return False
        self.at = match.end()
        return True

    def _values_until(self, end: int, kind: str) -> None:
        """Note the values up to an offset, which nothing else interrupts."""
        count = self.text.count(VALUE, self.at, end)
        for _ in range(count):
            self._place(kind)
        self.at = end

    # ------------------------------------------------------------ command lists

    def _command(self, level: _Level) -> None:
        match = _RUN.match(self.text, self.at, self.end)
        if match:
            self._extend(level, match[0])
            self.at = match.end()
            return
        c = self.text[self.at]
        if c in " \t" or (c == "\\" and self.text.startswith("\\\n", self.at)):
            # a continued line neither begins nor ends a word
            if c != "\\":
                self._end_word(level)
            self.at = _BLANK.match(self.text, self.at, self.end).end() if c != "\\" else self.at + 2  # type: ignore[union-attr]  # a blank is there
        elif c == "\n":
            self._newline(level)
        elif c == "#" and level.word is None:
            self._values_until(_LINE.match(self.text, self.at, self.end).end(), quoting.COMMENT)  # type: ignore[union-attr]  # matches nothing too
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
            self._quoting(level, c)

    def _extend(self, level: _Level, run: str) -> None:
        if level.word is None:
            level.word = run
            level.literal = True
            level.brackets = False
            level.assigns = (level.first or level.declares) and _ASSIGNS(run) is not None
        else:
            level.literal = False

    def _part(self, level: _Level) -> None:
        """Note that the word at hand has a part that is not literal."""
        if level.word is None:
            level.word = ""
            level.assigns = level.brackets = False
        level.literal = False

    def _bracket(self, level: _Level, c: str) -> None:
        text, at = self.text, self.at
        after = text[at + 1] if at + 1 < self.end else "\n"
        if c == "[" and level.word is None and level.first and after == "[":
            rest = text[at + 2] if at + 2 < self.end else "\n"
            if rest in " \t\n":
                self.at += 2
                level.first = False
                self.levels.append(_Level(_CONDITION))
                return
        if level.word is None and c != "[":
            self._extend(level, c)
        else:
            self._part(level)
        level.brackets = level.brackets or c != "}"
        self.at += 1

    def _end_word(self, level: _Level) -> None:
        """Judge the word that ends here: a keyword, an assignment, the name of a command, an argument."""
        word = level.word
        if word is None:
            return
        literal = level.literal
        level.word = None
        if level.target:
            level.target = ""
        elif level.kind == _CASE and level.state != "body":
            self._end_case_word(level, word if literal else "")
        elif level.state == "function":
            level.state = ""
            level.first = True
        elif level.first and not level.assigns:
            self._begin_command(level, word if literal else "")

    def _begin_command(self, level: _Level, word: str) -> None:
        if word in _GOES_ON:
            return
        level.first = False
        if word == "case":
            inner = _Level(_CASE, pending=level.pending)
            inner.state = "word"
            self.levels.append(inner)
        elif word == "esac" and level.kind == _CASE:
            self.levels.pop()
        elif word in ("function", "for", "select"):
            level.state = word if level.kind != _CASE else level.state
        elif word in _DECLARES:
            level.declares = True

    def _end_case_word(self, level: _Level, word: str) -> None:
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

    def _separate(self, level: _Level) -> None:
        """Begin another command."""
        level.first = level.kind != _ARRAY and (level.kind != _CASE or level.state in ("body", "pattern"))
        level.declares = False
        level.target = ""
        if level.kind != _CASE:
            level.state = ""

    def _newline(self, level: _Level) -> None:
        self._end_word(level)
        level = self.levels[-1]  # a keyword may have begun or ended a `case`
        self._separate(level)
        self.at += 1
        if level.pending:
            self._documents(level)

    def _operator(self, level: _Level) -> None:
        operator = _OPERATOR.match(self.text, self.at, self.end)[0]  # type: ignore[index]  # one of these is there
        if operator[0] in "<>" and level.word is not None and level.literal and level.word.isdigit():
            level.word = None  # the descriptor of a redirection
        if operator in ("<(", ">("):
            self.at += 2
            self._part(level)
            self.levels.append(_Level(_COMMAND, ")"))
            return
        self._end_word(level)
        level = self.levels[-1]
        self.at += len(operator)
        if operator in ("<<", "<<-"):
            self._begin_document(level, tabs_lost=operator == "<<-")
        elif operator[0] in "<>" or operator in ("&>", "&>>"):
            level.target = "text" if operator == "<<<" else "file"
        elif level.kind == _CASE and operator in (";;", ";&", ";;&"):
            level.state = "pattern"
            self._separate(level)
        elif level.kind == _CASE and level.state == "pattern" and operator == "|":
            level.first = False
        else:
            self._separate(level)

    def _open(self, level: _Level) -> None:
        text, at = self.text, self.at
        if level.word is not None and text[at - 1] in "?*+@!":
            level.literal = False
            inner = _Level(_GLOB, ")")
        elif level.word is not None and level.assigns and text[at - 1] == "=":
            level.literal = False
            inner = _Level(_ARRAY, ")", level.pending)
        elif level.kind == _CASE and level.state == "pattern":
            self.at += 1
            return
        elif level.word is None and text.startswith("((", at) and self._is_arithmetic(at + 2):
            level.first = False
            self.at += 2
            self.levels.append(_Level(_ARITHMETIC, "))"))
            return
        else:
            self._end_word(level)
            level = self.levels[-1]
            level.first = True  # a function's body follows
            inner = _Level(_GROUP, ")", level.pending)
        self.at += 1
        self.levels.append(inner)

    def _close(self, level: _Level) -> None:
        self._end_word(level)
        self.at += 1
        level = self.levels[-1]
        if level.kind == _CASE and level.state in ("pattern", "in", "word"):
            level.state = "body"
            level.first = True
            return
        depth = len(self.levels) - 1
        while depth and self.levels[depth].kind == _CASE:
            depth -= 1
        if not self.levels[depth].closes:
            self._separate(level)  # a parenthesis too many
            return
        left = self.levels[depth].pending
        del self.levels[depth:]
        outer = next((each for each in reversed(self.levels) if each.kind in _LISTS), None)
        if outer is not None and left is not outer.pending:
            outer.pending.extend(left)

    # ------------------------------------------------------------ values and quotes

    def _is_glued(self) -> bool:
        """Return whether something follows the value at hand in its word."""
        at = self.at + 1
        while self.text.startswith("\\\n", at):
            at += 2
        return at < self.end and self.text[at] not in _WORD_ENDS

    def _value(self, level: _Level) -> None:
        text, at = self.text, self.at
        before = text[at - 1] if at else ""
        begins = level.word is None
        self._part(level)
        in_case = level.kind == _CASE and level.state != "body"
        assigns = level.assigns
        self._place(
            quoting.WORD,
            glued=not begins or self._is_glued(),
            joined=assigns or in_case or level.target == "text",
            first=level.first and not assigns and not level.target,
            careful=level.brackets or in_case,
            quoted=before == "~" or text[at + 1 : at + 2] in ("<", ">"),
            target=level.target == "file",
        )

    def _quoting(self, level: _Level, c: str) -> None:
        r"""Read what means the same wherever words stand: `\`, quotes, `$` and a backquote, or one character."""
        self._part(level)
        if c == "\\":
            if self.text[self.at + 1 : self.at + 2] == VALUE:
                self._problem("backslash")
                self.at += 1
            else:
                self.at += 2
        elif c == "'":
            self.at += 1
            self._single(quoting.SINGLE)
        elif c == '"':
            self.at += 1
            self.levels.append(_Level(_DOUBLE))
        elif c == "$":
            self._dollar("")
        elif c == "`":
            self._backquotes()
        else:
            self.at += 1

    def _single(self, kind: str) -> None:
        """Read up to the `'` that ends it."""
        while self.at < self.end:
            self._skip(_SINGLE_END)
            if self.at < self.end:
                if self.text[self.at] == "'":
                    self.at += 1
                    return
                self._place(kind)

    def _ansi(self) -> None:
        while self.at < self.end:
            self._skip(_ANSI_RUN)
            c = self.text[self.at : self.at + 1] if self.at < self.end else ""
            if c == "\\":
                self._edit(self.at, "\\")
                self.at += 1
            elif c == VALUE:
                self._place(quoting.ANSI)
            else:
                self.at += 1
                return

    def _double(self, level: _Level) -> None:
        if self._skip(_RUNS[level.kind]):
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
            self._place(quoting.HERE if level.kind == _HERE else quoting.DOUBLE)
        else:
            self._edit(self.at, "\\")  # a backslash before a value stands for itself
            self.at += 1

    def _dollar(self, quoted: str) -> None:
        """Read a `$` and what it begins; `quoted` says in what it stands."""
        text, at = self.text, self.at
        after = text[at + 1 : at + 2] if at + 1 < self.end else ""
        self.at += 2
        if after == "(":
            if text.startswith("(", at + 2) and self._is_arithmetic(at + 3):
                self.at += 1
                self.levels.append(_Level(_ARITHMETIC, "))"))
            else:
                self.levels.append(_Level(_COMMAND, ")"))
        elif after == "{":
            level = _Level(_PARAMETER, "}")
            level.state = "name"
            level.quoted = quoted
            self.at = _PARAMETER_NAME.match(text, self.at, self.end).end()  # type: ignore[union-attr]  # matches nothing too
            self.levels.append(level)
        elif after == "[":
            self.levels.append(_Level(_ARITHMETIC, "]"))
        elif after == "'" and not quoted:
            self._ansi()
        elif after == '"' and not quoted:
            self.levels.append(_Level(_DOUBLE))
        else:
            name = _NAME.match(text, at + 1, self.end)
            if name is None:
                self.at = at + 2 if after in ("#", "?", "$", "!", "@", "*", "-") else at + 1
                return
            self.at = name.end()
            if self.at < self.end and text[self.at] == VALUE:
                self._edit(at + 1, "{")
                self._edit(self.at, "}")

    def _backquotes(self) -> None:
        """Read a backquoted command: its text, less one level of backslashes, is a stretch of its own."""
        start = self.at + 1
        end = _BACKQUOTED.match(self.text, start, self.end).end()  # type: ignore[union-attr]  # matches nothing too
        characters: list[str] = []
        origin: list[int] = []
        at = start
        while at < end:
            if self.text[at] == "\\" and self.text[at + 1 : at + 2] in ("\\", "`", "$") and at + 1 < end:
                at += 1
            characters.append(self.text[at])
            origin.append(self.origin[at] if self.origin else at)
            at += 1
        inner = _Scanner("".join(characters), self.found, inside=self)
        inner.origin = origin
        inner.backquotes += 1
        self.at = end + 1
        self._run_inside(inner, _COMMAND)

    def _run_inside(self, inner: _Scanner, kind: str) -> None:
        if inner.nesting > _DEEP:
            self._problem("deep")
            values = inner.text.count(VALUE, inner.at, inner.end)
            self.found.places.extend([Place(quoting.PLAIN)] * values)
        else:
            inner.run(kind)

    # ------------------------------------------------------------ here-documents

    def _begin_document(self, level: _Level, *, tabs_lost: bool) -> None:
        self._skip(_BLANK)
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
            self._problem("delimiter")
        level.pending.append(("".join(delimiter), quoted, tabs_lost))

    def _documents(self, level: _Level) -> None:
        """Read the here-documents that begin on this line."""
        pending = level.pending[:]
        level.pending.clear()
        for delimiter, quoted, tabs_lost in pending:
            end, after = self._end_of_document(delimiter, quoted=quoted, tabs_lost=tabs_lost)
            if quoted:
                if not self.origin:
                    self.found.documents.append(Document(self.at, end, delimiter, tabs_lost))
                keep, self.document = self.document, (delimiter, tabs_lost)
                self._values_until(end, quoting.RAW_HERE)
                self.document = keep
            else:
                inner = _Scanner(self.text, self.found, self.at, end, inside=self)
                inner.document = (delimiter, tabs_lost)
                self._run_inside(inner, _HERE)
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

    # ------------------------------------------------------------ expansions

    def _parameter(self, level: _Level) -> None:
        if level.state == "name":
            self._parameter_name(level)
            return
        if self._skip(_RUNS[_PARAMETER]):
            return
        c = self.text[self.at]
        if c == "}":
            self.at += 1
            self.levels.pop()
        elif c == VALUE:
            if level.state == "number":
                self._place(quoting.PLAIN)
            else:
                self._place(quoting.PARAMETER, joined=bool(level.quoted))
        elif c == "'" and level.quoted:
            self.at += 1
            # in "${x:-'…'}" the quotes pair, and yet `$` is read between them
            self._single(quoting.PLAIN if level.state == "word" else quoting.SINGLE)
        elif c == "$":
            self._dollar(level.quoted)
        elif c == "\\" and level.quoted:
            self._edit(self.at, "\\")
            self.at += 1
        else:
            self._inner_quoting(c)

    def _parameter_name(self, level: _Level) -> None:
        text, at = self.text, self.at
        c = text[at]
        operator = _PARAMETER_OPERATOR.match(text, at, self.end)
        if c == "}":
            self.at += 1
            self.levels.pop()
        elif c == "[":
            self.at += 1
            self.levels.append(_Level(_ARITHMETIC, "]"))
        elif operator:
            self.at = operator.end()
            level.state = operator.lastgroup or "word"
        elif c == VALUE:
            self._place(quoting.PLAIN)
        else:
            self.at += 1

    def _inner_quoting(self, c: str) -> None:
        """Read a quote where no word is counted."""
        self._quoting(_Level(_GLOB), c)

    def _arithmetic(self, level: _Level) -> None:
        if self._skip(_RUNS[_ARITHMETIC]):
            return
        c = self.text[self.at]
        opening, closing = "[]" if level.closes == "]" else "()"
        if c == VALUE:
            self._place(quoting.PLAIN)
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
            self._dollar(_DOUBLE)
        elif c in '"`\\':
            self._inner_quoting(c)
        else:
            self.at += 1

    def _is_arithmetic(self, at: int) -> bool:
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

    def _condition(self, level: _Level) -> None:
        match = _RUNS[_CONDITION].match(self.text, self.at, self.end)
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
            self._values_until(_LINE.match(self.text, self.at, self.end).end(), quoting.COMMENT)  # type: ignore[union-attr]  # matches nothing too
        elif c == VALUE:
            self._part(level)
            self._place(quoting.WORD, glued=True, joined=True, careful=True)
        else:
            self._quoting(level, c)

    def _glob(self, level: _Level) -> None:
        if self._skip(_RUNS[_GLOB]):
            return
        c = self.text[self.at]
        if c == "(":
            self.at += 1
            self.levels.append(_Level(_GLOB, ")"))
        elif c == ")":
            self.at += 1
            self.levels.pop()
        elif c == VALUE:
            self._place(quoting.WORD, glued=True, joined=True, careful=True)
        else:
            self._quoting(level, c)
