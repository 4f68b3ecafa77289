"""The tokens of one logical line that is not shell text.

Owns words, numbers, strings and brackets, and the mistakes that can be made in them.  Knows nothing of indentation.
"""

from __future__ import annotations

import re

from hpcmake.braces import shorten
from hpcmake.diagnostics import Diagnostic, Note
from hpcmake.parser.numbers import find_quantity
from hpcmake.parser.tokens import (
    BRACKETS_AT_MOST,
    CLOSING,
    DEPTH_AT_MOST,
    KEYWORDS,
    MISTAKES_AT_MOST,
    MODIFIERS,
    OPERATORS,
    STATEMENTS,
)
from hpcmake.syntax import Comment
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.parser.tokens import Token

_NAME = "[A-Za-z_][A-Za-z0-9_]*+"
_GROUP = rf"""\{{{_NAME}(?:\.{_NAME}|\[(?:[0-9]++|{_NAME}|"[^"\\\n\]]*+"|'[^'\\\n\]]*+')\])++(?=[}}:!])"""
# quotes in a brace group belong to it: "{row["a"]}"; possessive throughout, so that no text takes more than linear time
_TOKEN = re.compile(
    rf"""[ \t]*+(?:
      (?P<name>{_NAME})
    | (?P<string>"(?>[^"\\\n{{]++|\\.|{_GROUP}|\{{)*+" | '(?>[^'\n{{]++|{_GROUP}|\{{)*+')
    | (?P<number>[0-9][A-Za-z0-9_]*+(?:\.[0-9][A-Za-z0-9_]*+)*+)
    | (?P<sign>\.\.|==|!=|<=|>=|//|[-+*/%<>=.,:()\[\]])
    | (?P<newline>\r?(?:\n|\Z))
    | (?P<comment>\#[^\n]*+)
    | (?P<unknown>[\s\S])
    )""",
    re.VERBOSE,
)
_VALUE_AHEAD = re.compile(r"[ \t]*+[\"']|[ \t]++(?!(?:if|else|for|in|and|or|not)\b)[A-Za-z0-9_]")
_BRACKET_AHEAD = re.compile(r"[ \t]++[\[(]")
_NAME_AHEAD = re.compile(r"[ \t]++[A-Za-z_]")
_QUOTE_AHEAD = re.compile(r"[\"']")
_DEEPER = re.compile(r"(?:[ \t]*+(?:#[^\n]*+)?\r?\n)*+([ \t]*+)[^ \t\r\n#]")
# never inside brackets: so a bracket that is open here has been forgotten
_NEW_LINE_OF_ITS_OWN = re.compile(
    rf"[ \t]*+(?:{_NAME}[ \t]*+:|(?:{'|'.join(STATEMENTS)})[ \t]++[A-Za-z_\"']|(?:run|post)\b[^\n\"']*:)"
)
_UNKNOWN_RUN = re.compile(r"[^\s\w\"'#+*/%<>=.,:()\[\]-]+|[^\W\d][\w]*|[\s\S]")
_MODIFIER_BEHIND = frozenset({"", "_COLON", "_COMMA", "_EQUAL", "MODIFIER"})
_COUNTED = frozenset({"_IF", "_ELSE", "IN", "AND", "OR", "NOT", "_FOR"})

_SIGN_HELP = {
    "{": "outside strings a name stands for its value as it is: write it without braces",
    "}": "outside strings a name stands for its value as it is: write it without braces",
    "!": "write `not`, or `!=` to compare",
    "&": "write `and`",
    "&&": "write `and`",
    "|": "write `or`",
    "||": "write `or`",
    ";": "put each on a line of its own",
    "\\": "newlines are free inside brackets: put the expression in `( )`",
    "$": 'a name stands for its value as it is; the environment is read with `env("NAME")`',
    "`": "strings stand in `\"…\"` or `'…'`",
}


class Scanner:
    """Reads logical lines of one source; keeps the comments and the mistakes that it met."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.comments: list[Comment] = []
        self.diagnostics: list[Diagnostic] = []
        self.flawed = False  # whether the line that was read last holds a mistake that has been told

    def flaw(
        self, code: str, message: str, span: Span, label: str = "", *, notes: tuple[Note, ...] = (), mend: str
    ) -> None:
        """Tell a mistake; the line in which it stands is not parsed."""
        self.flawed = True
        if len(self.diagnostics) < MISTAKES_AT_MOST:
            self.diagnostics.append(Diagnostic(code, message, span, label, notes, mend))

    def span(self, start: int, end: int) -> Span:
        """Return a place in the source."""
        return Span(self.source, start, end)

    def comment(self, start: int, end: int, *, own_line: bool) -> None:
        """Keep a comment."""
        text = self.text[start:end].rstrip()
        self.comments.append(Comment(self.span(start, start + len(text)), text, own_line))

    def scan(self, at: int, width: int, level: int, tokens: list[Token]) -> int:
        """Append the tokens of the logical line that begins at `at`, and return where the next line begins.

        `width` is its indentation, `level` the number of blocks that it stands in.
        """
        text, match, put = self.text, _TOKEN.match, tokens.append
        depth = _Depth(self)
        self.flawed = False
        head, behind, end, fresh = "", "", at, False
        while True:
            found = match(text, at)
            group = found.lastgroup if found else None
            if found is None or group is None:  # never: the last alternative takes anything
                break
            start, at = found.span(group)
            if group == "name":
                kind = self._word(start, at, level, head, behind, depth)
            elif group == "sign":
                kind = OPERATORS[found[group]]
                depth.operator(kind, start, at)
            elif group == "string":
                kind = "STRING"
            elif group == "number":
                kind = find_quantity(found[group]) or self._number(start, at)
            elif group == "comment":
                self.comment(start, at, own_line=fresh)
                continue
            elif group == "newline":
                if not self._goes_on(at, width, behind, depth):
                    break
                fresh = True
                continue
            else:
                at, kind = self._unknown(start), "UNKNOWN"
            put((kind, start, at, found[group]))
            head = head or kind
            behind, end, fresh = kind, at, False
        depth.finish()
        put(("_NEWLINE", end, end, ""))
        return at

    def _goes_on(self, at: int, width: int, behind: str, depth: _Depth) -> bool:
        """Return whether the logical line goes on behind a newline."""
        if at >= len(self.text):
            return False
        if depth.open:
            return _NEW_LINE_OF_ITS_OWN.match(self.text, at) is None
        if behind != "_COMMA":
            return False
        deeper = _DEEPER.match(self.text, at)
        return deeper is not None and len(deeper[1].expandtabs()) > width

    def _word(self, start: int, end: int, level: int, head: str, behind: str, depth: _Depth) -> str:
        """Return the terminal of a word."""
        text = self.text
        word = text[start:end]
        if behind == "_DOT":  # a field may bear any name
            return "NAME"
        keyword = KEYWORDS.get(word)
        if keyword is not None:
            if keyword in _COUNTED:
                depth.operator(keyword, start, end)
            return keyword
        if not head:
            if level == 0 and word in STATEMENTS:
                return STATEMENTS[word]
            if word in ("let", "wildcard") and _NAME_AHEAD.match(text, end):
                return STATEMENTS[word]
        elif head == "_DEFAULTS" and behind == head and word == "on":
            return "_ON"
        elif head == "_PREFER" and behind == "NAME" and word == "over":
            return "_OVER"
        prefix = len(word) <= 2 and behind != "STRING"  # noqa: PLR2004  # as Python's f, r, rb
        if prefix and _QUOTE_AHEAD.match(text, end):
            message = f"a string has no prefix such as `{word}`"
            self.flaw(
                "E110",
                message,
                self.span(start, end),
                mend="names in braces are put in as they are in \"…\" and in '…'; backslashes are plain in '…'",
            )
        if behind in _MODIFIER_BEHIND and not depth.open:
            ahead = _VALUE_AHEAD.match(text, end)
            if ahead or (word in MODIFIERS and _BRACKET_AHEAD.match(text, end)):
                return "MODIFIER"
        return "NAME"

    def _number(self, start: int, end: int) -> str:
        """Tell what is wrong with a number or quantity."""
        from hpcmake.parser.numbers import explain_quantity  # only mistakes need it

        self.flawed = True
        self.diagnostics.append(explain_quantity(self.span(start, end)))
        return "NUMBER"

    def _unknown(self, start: int) -> int:
        """Tell what is wrong where no token begins, and return where to go on."""
        text = self.text
        sign = text[start]
        if sign in "\"'":
            end = text.find("\n", start)
            end = len(text) if end < 0 else end
            end = start + len(text[start:end].rstrip())
            self.flaw(
                "E103",
                "the string is not closed",
                self.span(start, end),
                f"no `{sign}` before the end of the line",
                mend=f"close it with `{sign}` on the same line",
            )
            return end
        found = _UNKNOWN_RUN.match(text, start)
        run = found[0] if found else sign
        end = start + len(run)
        shown = shorten(run) if run.isprintable() else f"U+{ord(sign):04X}"
        if sign == "}" and self.flawed:  # told with its `{`
            return end
        if sign.isalpha():
            while text[start - 1 : start].isalnum():
                start -= 1
            shown = shorten(text[start:end])
            self.flaw(
                "E110",
                f"`{shown}` is not a name",
                self.span(start, end),
                mend="names are made of the letters a to z and A to Z, digits and `_`; other letters stand in strings",
            )
            return end
        if not run.isprintable():
            end = start + 1
        help_ = _SIGN_HELP.get(shown) or _SIGN_HELP.get(sign) or "remove it, or put it in a string"
        self.flaw("E110", f"`{shown}` means nothing here", self.span(start, end), mend=help_)
        return end


class _Depth:
    """Brackets that are open, and how many operators wait for each other."""

    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.open: list[tuple[str, int, int]] = []  # bracket, its offset, operators that wait outside it
        self.waiting = 0  # operators since the last comma at this level
        self.total = 0
        self.told = False

    def operator(self, kind: str, start: int, end: int) -> None:
        """Count a sign or an operator that is a word."""
        if kind == "_COMMA" or (kind == "_EQUAL" and not self.open):
            self.total -= self.waiting
            self.waiting = 0
            return
        if kind in ("_RPAR", "_RSQB"):
            self._close(start, end)
            return
        if kind == "_FOR":  # clauses stand side by side
            self.total -= self.waiting
            self.waiting = 0
        self.waiting += 1
        self.total += 1
        if kind in ("_LPAR", "_LSQB"):
            self.open.append((self.scanner.text[start], start, self.waiting))
            self.waiting = 0
        if not self.told and (len(self.open) > BRACKETS_AT_MOST or self.total > DEPTH_AT_MOST):
            self.told = True
            if len(self.open) > BRACKETS_AT_MOST:
                message = f"brackets are nested over {BRACKETS_AT_MOST} deep"
            else:
                message = f"the expression holds over {DEPTH_AT_MOST} operators in a row"
            self.scanner.flaw(
                "E106", message, self.scanner.span(start, end), mend="give parts of it names of their own with `let`"
            )

    def _close(self, start: int, end: int) -> None:
        sign = self.scanner.text[start]
        span = self.scanner.span(start, end)
        if not self.open:
            if not self.scanner.flawed:
                self.scanner.flaw("E105", f"`{sign}` closes nothing", span, mend=f"remove the `{sign}`")
            return
        bracket, opened, outside = self.open.pop()
        self.total -= self.waiting
        self.waiting = outside
        if CLOSING[bracket] != sign and not self.scanner.flawed:
            note = Note(self.scanner.span(opened, opened + 1), f"`{bracket}` is opened here")
            self.scanner.flaw(
                "E105",
                f"`{sign}` does not close `{bracket}`",
                span,
                notes=(note,),
                mend=f"write `{CLOSING[bracket]}` instead of `{sign}`",
            )

    def finish(self) -> None:
        """Tell of the bracket that is still open."""
        if self.open and not self.scanner.flawed:
            bracket, opened, _ = self.open[-1]
            self.scanner.flaw(
                "E104",
                f"`{bracket}` is not closed",
                self.scanner.span(opened, opened + 1),
                mend=f"close it with `{CLOSING[bracket]}`",
            )
