"""Lists of nodes as schedulers and launchers write them, each notation as one reader and one printer.

Owns Slurm's host lists, the node ids of Cobalt and ALPS, and files with one node a line.  Knows nothing of who asks.

In each of them a node counts once, where it is named first.
"""

from __future__ import annotations

import re

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_NODES = 1_000_000
"""No machine has as many nodes: a list of more is a mistake, and would fill the memory."""

_LONGEST_NUMBER = 18  # digits of a number of nodes; longer ones are mistakes too, and slow to compute with
_NO_RANGE = "neither a number nor a range of numbers"
_NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]*+"
_TAIL = r"[A-Za-z0-9._-]++"
_RANGE = r"[0-9]++(?:-[0-9]++)?+"
_RANGES = rf"{_RANGE}(?:\s*+,\s*+{_RANGE})*+"
_NAMES = rf"{_NAME}(?!\[)(?:\s*+,\s*+{_NAME}(?!\[))*+"
_ITEM = rf"(?:{_NAME})?+(?:\[{_RANGES}\](?:{_TAIL})?+)++"
_PART = re.compile(rf"\[{_RANGES}\]|{_TAIL}")
_DELIMITER = re.compile(r"[\s,\[\]]")
_BEGINNING = re.compile(rf"(?:{_NAME})?+(?:\[{_RANGES}\](?:{_TAIL})?+)*+")
_OPENED = re.compile(rf"\[(?:{_RANGE}(?=[\s,\]])\s*+(?:,\s*+(?=[0-9]))?+)*+")
_IN_NAME = re.compile(_TAIL)
_FIELD = re.compile(r"[a-z_-]+=\S+")
_LINE = re.compile(
    rf"(?P<name>{_NAME})(?::(?P<count>[0-9]{{1,6}}))?(?: slots=(?P<slots>[0-9]{{1,6}}))?(?: {_FIELD.pattern})*"
)


# ---------------------------------------------------------------- Slurm: nid[001-003,7],x[1-2]b[01-02]


def parse_hostlist(text: str, *, source: str = "the list of nodes") -> list[str]:
    """Return the names of a host list such as `nid[001-003,7],x[1-2]b[01-02]`, in its order.

    `source` is where the text came from, for people.  Raises Trouble.
    """
    form = "a list of nodes is written `nid[001-003,007]` or `node1,node2`"
    names: list[str] = []
    for item, span in _parse(text, f"{_NAMES}|{_ITEM}", source, form):
        if "[" in item:
            names += _expanded(item, span, len(names))
        else:
            names += re.split(r"\s*,\s*", item)
        _require_possible(len(names), span)
    return list(dict.fromkeys(names))


def _expanded(item: str, span: Span, before: int) -> list[str]:
    """Return all names of one item: texts and ranges in turn; the last ranges change fastest."""
    parts = [_pairs(word[1:-1]) if word[0] == "[" else word for word in _PART.findall(item)]
    count = 1
    for part in parts:
        if not isinstance(part, str):
            count *= sum(_length(low, high, span) for low, high in part)
            _require_possible(before + count, span)
    names = [""]
    for part in parts:
        tails = [part] if isinstance(part, str) else [tail for low, high in part for tail in _padded(low, high)]
        names = [name + tail for name in names for tail in tails]
    return names


def _length(low: str, high: str, span: Span) -> int:
    """Return how many numbers a range has.  Raises Trouble if it goes down, or no machine is so large."""
    if low == high:
        return 1
    written = f"{low}-{high}"
    start = span.start + max(0, span.text.find(written))
    own = Span(span.source, start, start + len(written))
    if max(len(low), len(high)) > _LONGEST_NUMBER:
        raise _trouble(own, f"no node has a number of over {_LONGEST_NUMBER} digits")
    count = int(high) - int(low) + 1
    if count < 1:
        raise _trouble(own, "this range goes down", f"did you mean `{high}-{low}`?")
    _require_possible(count, own)
    return count


def _require_possible(count: int, span: Span) -> None:
    if count > MOST_NODES:
        raise _trouble(span, f"that would be {count:,} nodes: at most {MOST_NODES:,} can be listed")


def _padded(low: str, high: str) -> Iterable[str]:
    if low == high:
        return (low,)
    return (str(number).zfill(len(low)) for number in range(int(low), int(high) + 1))


def render_hostlist(names: Iterable[str]) -> str:
    """Return names as a compact host list in their order, ranges over a number at the end of each.

    Slurm reads no brackets with a text behind them, such as `nid[1-2]-ib`.

    >>> render_hostlist(["nid001", "nid002", "nid003", "nid007", "login"])
    'nid[001-003,007],login'
    """
    groups: list[tuple[str, list[list[str]]]] = []
    for name in dict.fromkeys(names):
        prefix = name.rstrip("0123456789")
        digits = name[len(prefix) :]
        if not 0 < len(digits) <= _LONGEST_NUMBER:
            groups.append((name, []))
            continue
        if not groups or not groups[-1][1] or groups[-1][0] != prefix:
            groups.append((prefix, [[digits, digits]]))
            continue
        ranges = groups[-1][1]
        low, high = ranges[-1]
        if digits == str(int(high) + 1).zfill(len(low)):
            ranges[-1][1] = digits
        else:
            ranges.append([digits, digits])
    return ",".join(_rendered(*group) for group in groups)


def _rendered(prefix: str, ranges: list[list[str]]) -> str:
    written = ",".join(low if low == high else f"{low}-{high}" for low, high in ranges)
    alone = not ranges or (len(ranges) == 1 and ranges[0][0] == ranges[0][1])
    return prefix + written if alone else f"{prefix}[{written}]"


# ---------------------------------------------------------------- Cobalt and ALPS: 3826-3829,3845


def parse_node_ids(text: str, *, source: str = "the list of nodes") -> list[int]:
    """Return the ids of a list such as `3826-3829,3845`, in its order.  Raises Trouble."""
    form = "a list of node ids is written `3826-3829,3845`"
    ids: list[int] = []
    for item, span in _parse(text, _RANGES, source, form):
        for low, high in _pairs(item):
            _require_possible(len(ids) + _length(low, high, span), span)
            if len(low) > _LONGEST_NUMBER:
                raise _trouble(span, f"no node has a number of over {_LONGEST_NUMBER} digits")
            ids.extend(range(int(low), int(high) + 1))
    return list(dict.fromkeys(ids))


def render_node_ids(ids: Iterable[int]) -> str:
    """Return ids as a compact list in their order.

    >>> render_node_ids([3826, 3827, 3828, 3845])
    '3826-3828,3845'
    """
    ranges: list[list[int]] = []
    for each in dict.fromkeys(ids):
        if ranges and each == ranges[-1][1] + 1:
            ranges[-1][1] = each
        else:
            ranges.append([each, each])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)


# ---------------------------------------------------------------- files with one node a line


def parse_nodefile(text: str, *, source: str = "the file of nodes") -> list[str]:
    """Return the names in a file with one node a line, or in an MPI file of hosts.  Raises Trouble."""
    return list(parse_slots(text, source=source))


def parse_slots(text: str, *, source: str = "the file of nodes") -> dict[str, int]:
    """Return the names in a file with one node a line, each with how often it stands there.

    In an MPI file of hosts, `node1:4` and `node1 slots=4` stand for four lines, and `#` begins a comment.
    Raises Trouble.
    """
    whole = Source(source, text)
    found: dict[str, int] = {}
    for start, line in zip(whole.starts(), text.split("\n"), strict=True):
        words = line.partition("#")[0].split()
        if not words:
            continue
        match = _LINE.fullmatch(" ".join(words))
        if match is None:
            wrong = next((each for each in words[1:] if not _FIELD.fullmatch(each)), words[0])
            wrong = words[0] if not _LINE.fullmatch(words[0]) else wrong
            at = start + line.index(wrong)
            label = "not the name of a node" if wrong == words[0] else "may not stand behind the name of a node"
            raise _trouble(Span(whole, at, at + len(wrong)), label, "such a file has the name of one node on each line")
        found[match["name"]] = found.get(match["name"], 0) + int(match["count"] or match["slots"] or 1)
    if not found:
        raise Trouble(Diagnostic("E912", f"{source} names no node", help="is it cut off, or that of another job?"))
    return found


def parse_nodes(text: str, *, source: str = "the list of nodes") -> list[str]:
    """Return the names in a text of any notation: a host list, or one node a line.  Raises Trouble."""
    if "\n" in text.strip() or re.search(r"[#=:]", text):
        return parse_nodefile(text, source=source)
    return parse_hostlist(text, source=source)


# ---------------------------------------------------------------- reading


def _parse(text: str, item: str, source: str, form: str) -> list[tuple[str, Span]]:
    """Return the items of a list, each as one word (there may be thousands), with their places.  Raises Trouble."""
    from pyparsing import DelimitedList, ParseBaseException, Regex

    whole = Source(source, text)
    if not text.strip():
        raise Trouble(Diagnostic("E912", f"{source} is empty", help=form))
    grammar = DelimitedList(Regex(item).add_parse_action(lambda _, at, tokens: (at, tokens[0]))).parse_with_tabs()
    try:
        found = grammar.parse_string(text, parse_all=True)
    except ParseBaseException as problem:
        raise _explained(whole, problem.loc, form) from None
    return [(word, Span(whole, at, at + len(word))) for at, word in found]


def _pairs(ranges: str) -> list[tuple[str, str]]:
    pairs = (each.strip().partition("-") for each in ranges.split(","))
    return [(low, high or low) for low, _, high in pairs]


def _explained(whole: Source, at: int, form: str) -> Trouble:
    """Return what is wrong with the word where reading came to its end."""
    text, end = whole.text, len(whole.text.rstrip())
    at = _skipped(text, at)
    if 0 < at < end and text[at] == ",":  # what follows the comma is wrong, then
        behind = _skipped(text, at + 1)
        if behind >= end:
            return _trouble(Span(whole, at, at + 1), "something is missing behind this", form)
        at = behind
    elif at < end and text[at - 1 : at].isspace() and _IN_NAME.match(text, at):
        return _trouble(_word(whole, at), "a comma is missing in front of this", form)
    good = _BEGINNING.match(text, at)
    if good and text.startswith("[", good.end()):
        return _explained_brackets(whole, good.end(), form)
    return _misplaced(_word(whole, at), "not the name of a node" if "[" in form else _NO_RANGE, form)


def _explained_brackets(whole: Source, opened: int, form: str) -> Trouble:
    text = whole.text
    good = _OPENED.match(text, opened)
    at = good.end() if good else opened + 1
    if at >= len(text.rstrip()) or "]" not in text[opened:]:
        return _trouble(Span(whole, opened, len(text.rstrip())), "this bracket is not closed", form)
    if text[at] == "," and "0" <= text[at - 1] <= "9":
        at = min(_skipped(text, at + 1), len(text) - 1)
    return _misplaced(_word(whole, at), _NO_RANGE, form)


def _misplaced(span: Span, label: str, form: str) -> Trouble:
    return _trouble(span, f"`{span.text}` may not stand here" if span.text in {"[", "]", ","} else label, form)


def _skipped(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _word(whole: Source, at: int) -> Span:
    """Return the word around a place; of a delimiter, itself."""
    start = max((match.end() for match in _DELIMITER.finditer(whole.text, 0, at)), default=0)
    match = _DELIMITER.search(whole.text, at)
    return Span(whole, start, max(match.start() if match else len(whole.text), start + 1))


def _trouble(span: Span, label: str, mend: str = "") -> Trouble:
    return Trouble(Diagnostic("E912", f"{span.source.name} cannot be read", span, label, help=mend))
