"""Templates of `run` and `post`: what of a block is ours, and its text for given values.

Owns the brace groups of commands, the choice of quoting, and the strict script.
Knows nothing of rules, of where values come from, nor of how a command is started.
"""

from __future__ import annotations

import re

from hpcmake.braces import NAME, parse_brace, parse_head
from hpcmake.diagnostics import Diagnostic, Trouble, did_you_mean
from hpcmake.planner import quoting
from hpcmake.planner.quoting import Place, UnfitError
from hpcmake.planner.shell import VALUE, Document, scan
from hpcmake.planner.simple import Quoted, simple_words
from hpcmake.planner.values import ValueTypeError, kind_of, plain_of, render_value
from hpcmake.record import Record
from hpcmake.syntax import Block, Brace
from hpcmake.text import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from typing import TypeAlias

    from hpcmake.planner.values import Value

    ValueOf: TypeAlias = Callable[[Brace], Value]
    ListFile: TypeAlias = Callable[[Sequence[str]], str]


class Slot(Record):
    """A brace group, and where it stands."""

    brace: Brace
    place: Place


class Template(Record):
    """A block of a rule, read once: text and slots in turn, to be filled for every task."""

    pieces: tuple[str | Slot, ...]
    braces: tuple[Brace, ...]
    """Every group that is ours, in the order of the text."""
    interpreter: tuple[str, ...] = ()
    """The words behind `run`; none for the strict shell."""
    names: frozenset[str] = frozenset()
    """The first names of the groups."""
    words: tuple[str | Brace | Quoted, ...] | None = None
    """The words of the command, if it needs no shell."""
    documents: tuple[tuple[int, int, Document], ...] = ()
    """Here-documents that are not expanded: their first piece, the one behind their last, and what ends them."""

    def render(self, value_of: ValueOf, list_file: ListFile) -> str:
        """Return the text with its values, each quoted for its place.

        `value_of` gives the value of a group, fields and positions already followed; `list_file` writes items to a
        file, one a line, and returns its path.  Raises Trouble where a value has no text or cannot stand where it should.
        """
        harmless = quoting.is_harmless
        texts: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                texts.append(piece)
                continue
            brace, place = piece.brace, piece.place
            value = value_of(brace)
            if place is _BARE and type(value) is str and brace.pad is None and brace.modifier is None and harmless(value):
                texts.append(value)
            else:
                texts.append(_render_slot(brace, place, value, list_file))
        for first, last, document in self.documents:
            self._check_document("".join(texts[first:last]), document, first, last)
        return "".join(texts)

    def argv(self, value_of: ValueOf, list_file: ListFile) -> list[str] | None:
        """Return the words of a command that needs no shell, or None if this one needs it.

        The first word is never a builtin or a keyword of bash, but may be a function that bash finds in its
        environment, or a script without `#!`: whoever cannot start it gives the text to bash.
        """
        if self.words is None:
            return None
        words: list[str] = []
        for word in self.words:
            if isinstance(word, str):
                words.append(word)
            elif isinstance(word, Brace):
                value = value_of(word)
                if type(value) is str and word.pad is None and word.modifier is None:
                    words.append(value)
                else:
                    words += items_of(word, value, list_file)
            else:
                words += _glue(word, value_of, list_file)
        return words

    def _check_document(self, text: str, document: Document, first: int, last: int) -> None:
        """Raise Trouble if a value has made a line that ends the here-document it stands in."""
        end = document.delimiter
        if end not in text or all(
            (line.lstrip("\t") if document.tabs_lost else line) != end for line in text.split("\n")
        ):
            return
        slot = next(piece for piece in self.pieces[first:last] if isinstance(piece, Slot))
        message = f"a value makes a line `{end}`, which would end the here-document it stands in"
        raise Trouble(
            Diagnostic("E605", message, slot.brace.span, help="end the here-document in a word that no value holds")
        )


_BARE = Place(quoting.WORD)
_JSON = Place(quoting.JSON)


def items_of(brace: Brace, value: Value, list_file: ListFile) -> list[str]:
    """Return the texts that a group stands for, padded or written to a file if it says so.

    Raises Trouble if the value, or an item of it, has no text.
    """
    values = value if isinstance(value, list) else [value]
    try:
        if brace.pad is None:
            items = [each if type(each) is str else render_value(each) for each in values]
        else:
            from hpcmake.planner.expressions import padded  # seldom wanted

            items = [padded(each, brace.pad) for each in values]
    except ValueTypeError as mistake:
        odd = next((each for each in values if isinstance(each, (list, dict)) or each is None), None)
        mend = "choose one of its fields or positions: `{name.field}`, `{name[0]}`" if odd is not None else ""
        raise Trouble(Diagnostic("E606", f"{mistake}", brace.span, help=mend)) from None
    return [list_file(items)] if brace.modifier == "file" else items


def _render_slot(brace: Brace, place: Place, value: Value, list_file: ListFile) -> str:
    if place.kind == quoting.JSON:
        return _render_json(brace, value, list_file)
    items = items_of(brace, value, list_file)
    if brace.modifier == "r":
        return " ".join(items)
    try:
        return quoting.quote(place, items)
    except UnfitError as mistake:
        raise Trouble(Diagnostic("E605", str(mistake), brace.span, help=mistake.mend)) from None


_SURROGATES = re.compile("[\ud800-\udfff]")


def _render_json(brace: Brace, value: Value, list_file: ListFile) -> str:
    """Return a value as JSON, which most languages read as their own literal."""
    from json import dumps  # only other interpreters need it

    if brace.modifier or brace.pad is not None:
        items = items_of(brace, value, list_file)
        if brace.modifier == "r":
            return " ".join(items)
        plain: object = items if isinstance(value, list) and brace.modifier is None else items[0]
    else:
        plain = plain_of(value)
    # letters stay letters: an astral one as two \u escapes would be two characters to Python; a byte that is no
    # UTF-8 would not be one in the file either
    return _SURROGATES.sub(lambda found: f"\\u{ord(found[0]):04x}", dumps(plain, ensure_ascii=False))


def _glue(word: Quoted, value_of: ValueOf, list_file: ListFile) -> list[str]:
    """Return the words that a word with groups in it makes: a bare list is glued by its first and last item."""
    words = [""]
    for part, quoted in word.parts:
        if isinstance(part, str):
            words[-1] += part
            continue
        items = items_of(part, value_of(part), list_file)
        if quoted:
            words[-1] += " ".join(items)
        elif items:
            words[-1] += items[0]
            words += items[1:]
    return words


# ---------------------------------------------------------------- reading a block


class _Group(Record):
    """A brace group of ours in the text of a block."""

    start: int
    end: int
    brace: Brace


def parse_template(
    block: Block, known: Collection[str], unbound_hint: Callable[[str], str] | None = None
) -> tuple[Template, list[Diagnostic]]:
    """Return the template of a block, and every mistake in its braces.

    `known` are the names that have a value here; `unbound_hint` may give a mend for a name that has none.
    """
    groups, text, found = _read_groups(block, known, unbound_hint)
    interpreter = tuple(word.id for word in block.interpreter)
    braces = tuple(group.brace for group in groups)
    names = frozenset(brace.name.id for brace in braces)
    if interpreter and not is_shell(interpreter):
        pieces, _ = _split(text, [], [], [_JSON] * len(braces), braces)
        return Template(pieces, braces, interpreter, names), found
    if not groups:
        words = None if interpreter else simple_words(text, ())
        return Template((text,), (), interpreter, names, words), found
    scanned = scan(text)
    found += [
        _explain_problem(what, groups[number].brace if number < len(groups) else braces[-1])
        for what, number in scanned.problems
    ]
    places = [_BARE if place == _BARE else place for place in scanned.places]
    pieces, documents = _split(text, scanned.edits, scanned.documents, places, braces)
    words = None if interpreter else simple_words(text, braces)
    return Template(pieces, braces, interpreter, names, words, documents), found


_SHELLS = frozenset(("bash", "sh", "dash", "zsh", "ksh", "ash", "mksh", "ksh93", "rbash"))


def is_shell(interpreter: Sequence[str]) -> bool:
    """Return whether the words behind `run` start a shell: by name, by path, or through `env`."""
    for index, word in enumerate(interpreter):
        program = word.rpartition("/")[2]
        if program == "env" and not index:
            continue
        if index and (word.startswith("-") or "=" in word):
            continue  # options and variables of env
        return program in _SHELLS
    return False


_NAME = re.compile(NAME)
_LONGEST = 1000  # characters of a group; beyond, it is not one of ours


def _read_groups(
    block: Block, known: Collection[str], unbound_hint: Callable[[str], str] | None
) -> tuple[list[_Group], str, list[Diagnostic]]:
    """Return the groups, the text in which each is one VALUE and `{{name}}` is `{name}`, and the mistakes."""
    text = block.text
    groups: list[_Group] = []
    parts: list[str] = []
    mistakes: list[Diagnostic] = []
    done = 0
    places = _Places(block)
    at = text.find("{")
    while at >= 0:
        inner = at + 1
        doubled = text.startswith("{", inner)
        head = parse_head(text[inner + doubled : inner + doubled + _LONGEST])
        end = inner + doubled + len(head) if head else inner
        if head and doubled and text.startswith("}}", end):
            parts += (text[done:at], "{", head, "}")
            at = done = end + 2
        elif head and not doubled and not (at and text[at - 1] == "$"):
            name = _NAME.match(head)[0]  # type: ignore[index]  # a head begins with a name
            if not text.startswith("}", end):
                if name in known:
                    mistakes.append(_explain_form(text, places, at, name))
                at = inner
            else:
                span = places.span(at, end + 1)
                brace = parse_brace(head, span)
                if name not in known or brace is None:
                    mistakes.append(_explain_name(name, head, span, known, unbound_hint))
                else:
                    groups.append(_Group(at, end + 1, brace))
                    parts += (text[done:at], VALUE)
                    done = end + 1
                at = end + 1
        else:
            at = inner
        at = text.find("{", at)
    parts.append(text[done:])
    return groups, "".join(parts), mistakes


class _Places:
    """Spans in a block, asked for from its beginning to its end: without counting its lines anew each time."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.line = 0
        self.begins = 0
        self.next = block.text.find("\n") + 1 or len(block.text) + 1

    def span(self, start: int, end: int) -> Span:
        """Return where some characters of one line of the block stand in its source."""
        while start >= self.next:
            self.line += 1
            self.begins = self.next
            self.next = self.block.text.find("\n", self.begins) + 1 or len(self.block.text) + 1
        at = self.block.lines[self.line] + start - self.begins
        return Span(self.block.source, at, at + end - start)


def _explain_name(
    name: str, head: str, span: Span, known: Collection[str], unbound_hint: Callable[[str], str] | None
) -> Diagnostic:
    hints = [unbound_hint(name) if unbound_hint else "", did_you_mean(name, known)]
    hints.append(
        f"write {{{{{head}}}}} for the characters {{{head}}}, or {{ {head} }} for a group of the shell's or of awk's"
    )
    return Diagnostic("E601", f"unknown name `{name}` in a command", span, help="\n".join(filter(None, hints)))


def _explain_form(text: str, places: _Places, at: int, name: str) -> Diagnostic:
    line_end = text.find("\n", at, at + _LONGEST)
    limit = min(at + _LONGEST, len(text)) if line_end < 0 else line_end
    close = text.find("}", at, limit)
    if close < 0:
        span = places.span(at, at + 1 + len(name))
        message = f"`{{{name}` begins with the name of a value, and no `}}` closes it on this line"
        return Diagnostic(
            "E602", message, span, help=f"write {{{name}}}, or {{ {name} for a group of the shell's or of awk's"
        )
    inside = text[at + 1 : close]
    message = f"`{{{inside}}}` begins with the name of a value, and is not of the form of a name in braces"
    return Diagnostic("E602", message, places.span(at, close + 1), help=_mend_form(inside, name))


def _mend_form(inside: str, name: str) -> str:
    rest = inside[len(name) :]
    if not rest.strip():
        return f"write {{{name}}}, without spaces"
    digits = re.fullmatch(r":0?(\d{1,2})d?", rest)
    if digits:
        return f"a width is written with zeros: {{{name}:0{int(digits[1])}}}"
    if rest.startswith("!"):
        return f"there are {{{name}!r}} (raw) and {{{name}!file}} (the path of a file that lists the items)"
    if rest.startswith((",", "..")):
        return f"if the shell's own list is meant, quote the name: {{'{name}'{rest}}}"
    if rest.startswith(":"):
        return f"write {{{name}}}; behind a colon only a width can stand, as in {{{name}:04}}"
    return f"give it a name of its own, `let value = {inside.strip()}`, and write {{value}};\nfor a group of the shell's or of awk's write {{ {inside} }}"


_PROBLEMS = {
    "backslash": (
        "E603",
        "a backslash stands before a value, and would be read as a part of it",
        "write {{name}} for the characters {name}, or two backslashes for one before the value",
    ),
    "delimiter": (
        "E604",
        "a here-document cannot end in a value: where it ends must be known before",
        "end it in a word such as EOF",
    ),
    "deep": ("E607", "here-documents and backquotes are nested over 60 deep", "write a script of its own"),
}


def _explain_problem(what: str, brace: Brace) -> Diagnostic:
    code, message, mend = _PROBLEMS[what]
    return Diagnostic(code, message, brace.span, help=mend)


def _split(
    text: str,
    edits: Sequence[tuple[int, str]],
    documents: Sequence[Document],
    places: Sequence[Place],
    braces: Sequence[Brace],
) -> tuple[tuple[str | Slot, ...], tuple[tuple[int, int, Document], ...]]:
    """Return literals and slots in turn, with the edits made, cut also where here-documents begin and end."""
    cuts: list[tuple[int, int, str]] = [(at, 1, insertion) for at, insertion in edits]
    holding = [each for each in documents if VALUE in text[each.start : each.end]]
    cuts += [(at, 0, "") for each in holding for at in (each.start, each.end)]
    cuts.sort(key=lambda cut: cut[0])
    pieces: list[str | Slot] = []
    marks: dict[int, int] = {}
    slot = done = 0

    def put(until: int) -> None:
        nonlocal slot, done
        for index, literal in enumerate(text[done:until].split(VALUE)):
            if index:
                pieces.append(Slot(braces[slot], places[slot]))
                slot += 1
            if literal:
                pieces.append(literal)
        done = until

    for at, is_edit, insertion in cuts:
        put(at)
        if is_edit:
            pieces.append(insertion)
        else:
            marks[at] = len(pieces)
    put(len(text))
    return tuple(pieces), tuple((marks[each.start], marks[each.end], each) for each in holding)


# ---------------------------------------------------------------- scripts


def render_script(body: str, *, setup: str = "", workdir: str | None = None) -> str:
    """Return the text of the script that bash is to run: setup, strict mode, the working folder, the body.

    Without a setup, the lines that bash names in its messages are those of the body.
    """
    enter = f" cd -- {quoting.quote_word(workdir)};" if workdir is not None else ""
    before = setup if not setup or setup.endswith("\n") else setup + "\n"
    after = "" if body.endswith("\n") else "\n"
    return f"{before}set -euo pipefail;{enter} {body}{after}"
