"""Templates of `run` and `post`: what of a block is ours, and its text for given values.

Owns the brace groups of commands, the choice of quoting, and the strict script.
Knows nothing of rules, of where values come from, nor of how a command is started.
"""

from __future__ import annotations

import re

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.planner.levels import VALUE, Document
from hpcmake.planner.values import ValueTypeError, plain_of, render_value
from hpcmake.record import Record
from hpcmake.syntax import Block, Brace
from hpcmake.tasks import quoting
from hpcmake.tasks.quoting import Place, UnfitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from typing import TypeAlias

    from hpcmake.planner.simple import Quoted
    from hpcmake.planner.values import Value

    ValueOf: TypeAlias = Callable[[Brace], Value]
    ListFile: TypeAlias = Callable[[Sequence[str]], str]


class Slot(Record):
    """A brace group, and where it stands."""

    brace: Brace
    place: Place
    is_bare: bool = False
    """Nothing but a name, as a word of its own or part of one: harmless text can stand there as it is."""


class Filling(Record):
    """Text and slots in turn."""

    pieces: tuple[str | Slot, ...]
    documents: tuple[tuple[int, int, Document], ...] = ()
    """Here-documents that are not expanded: their first piece, the one behind their last, and what ends them."""


class Template(Record):
    """A block of a rule, read once, to be filled for every task."""

    text: str
    """The block, with a NUL for each group."""
    braces: tuple[Brace, ...]
    """Every group that is ours, in the order of the text."""
    interpreter: tuple[str, ...] = ()
    """The words behind `run`; none for the strict shell."""
    names: frozenset[str] = frozenset()
    """The first names of the groups."""
    words: tuple[str | Brace | Quoted, ...] | None = None
    """The words of the command, if it needs no shell."""
    filling: Filling | None = None
    """How the text is filled; found when it is first wanted, since a command that needs no shell may never want it."""

    def render(self, value_of: ValueOf, list_file: ListFile) -> str:
        """Return the text with its values, each quoted for its place.

        `value_of` gives the value of a group, fields and positions already followed; `list_file` writes items to a
        file, one a line, and returns its path.  Raises Trouble where a value has no text or cannot stand where it is.
        """
        harmless = quoting.is_harmless
        filling = self.filling or self._read()
        texts: list[str] = []
        for piece in filling.pieces:
            if isinstance(piece, str):
                texts.append(piece)
                continue
            brace, place = piece.brace, piece.place
            value = value_of(brace)
            if (
                place is _BARE
                and type(value) is str
                and brace.pad is None
                and brace.modifier is None
                and harmless(value)
            ):
                texts.append(value)
            else:
                texts.append(_render_slot(piece.brace, piece.place, value, list_file))
        for first, last, document in filling.documents:
            _check_document("".join(texts[first:last]), document, filling.pieces[first:last])
        return "".join(texts)

    def pieces(self) -> tuple[str | Slot, ...]:
        """Return the text and the groups in turn, each with the place where it stands."""
        return (self.filling or self._read()).pieces

    def _read(self) -> Filling:
        """Find how the text is filled, and keep it."""
        filling, _ = _read_shell(self.text, self.braces)
        object.__setattr__(self, "filling", filling)
        return filling

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


def _check_document(text: str, document: Document, pieces: Sequence[str | Slot]) -> None:
    """Raise Trouble if a value has made a line that ends the here-document it stands in."""
    end = document.delimiter
    if end not in text or all((line.lstrip("\t") if document.tabs_lost else line) != end for line in text.split("\n")):
        return
    slot = next(piece for piece in pieces if isinstance(piece, Slot))
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
            from hpcmake.planner.texts import padded  # seldom wanted

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


def parse_template(
    block: Block, known: Collection[str], unbound_hint: Callable[[str], str] | None = None
) -> tuple[Template, list[Diagnostic]]:
    """Return the template of a block, and every mistake in its braces.

    `known` are the names that have a value here; `unbound_hint` may give a mend for a name that has none.
    """
    from hpcmake.planner.groups import explain_problem, read_groups  # a plan that was kept has its templates
    from hpcmake.planner.simple import simple_words

    listed, text, found = read_groups(block, known, unbound_hint)
    braces = tuple(listed)
    names = frozenset(brace.name.id for brace in braces)
    interpreter = tuple(word.id for word in block.interpreter)
    filling: Filling | None = None
    words = None if interpreter else simple_words(text, braces)
    if interpreter and not is_shell(interpreter):
        filling = _split(text, [], [], [_JSON] * len(braces), braces)
    elif not braces:
        filling = Filling((text,))
    elif words is None:
        filling, problems = _read_shell(text, braces)
        found += [explain_problem(what, braces[min(number, len(braces) - 1)]) for what, number in problems]
    return Template(text, braces, interpreter, names, words, filling), found


def _read_shell(text: str, braces: Sequence[Brace]) -> tuple[Filling, list[tuple[str, int]]]:
    """Return how shell text is filled, and the problems of its groups."""
    from hpcmake.planner.shell import scan  # as above

    scanned = scan(text)
    return _split(text, scanned.edits, scanned.documents, scanned.places, braces), scanned.problems


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


def _split(
    text: str,
    edits: Sequence[tuple[int, str]],
    documents: Sequence[Document],
    places: Sequence[Place],
    braces: Sequence[Brace],
) -> Filling:
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
                brace, place = braces[slot], places[slot]
                pieces.append(Slot(brace, place, place == _BARE and brace.pad is None and brace.modifier is None))
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
    return Filling(tuple(pieces), tuple((marks[each.start], marks[each.end], each) for each in holding))


# ---------------------------------------------------------------- scripts


def render_script(body: str, *, setup: str = "", workdir: str | None = None) -> str:
    """Return the text of the script that bash is to run: setup, strict mode, the working folder, the body.

    Without a setup, the lines that bash names in its messages are those of the body.
    """
    enter = f" cd -- {quoting.quote_word(workdir)};" if workdir is not None else ""
    before = setup if not setup or setup.endswith("\n") else setup + "\n"
    after = "" if body.endswith("\n") else "\n"
    return f"{before}set -euo pipefail;{enter} {body}{after}"
