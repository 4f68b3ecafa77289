"""What qsub and its kin are asked for: options as getopt takes them, `#PBS` lines, times, resources, dependencies.

Owns how PBS reads these words.  Knows nothing of what becomes of them.
"""

from __future__ import annotations

import os
import re
import shlex

from hpcmake.record import Record
from hpcmake.testbed.queue.nouns import Answer
from hpcmake.testbed.queue.pbs_words import ILLEGAL_VALUE, UNKNOWN_RESOURCE, No, misuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_QSUB = "a:A:c:C:e:fhIj:J:k:l:m:M:N:o:p:P:q:r:R:S:u:v:VW:Xz"

_KINDS = ("afterok", "afterany", "afternotok", "after", "beforeok", "beforeany", "beforenotok", "before")
_DEPENDS = (*_KINDS, "on", "runone")
_WORDS_OF_W = (
    "depend block umask group_list stagein stageout sandbox run_count release_nodes_on_stageout create_resv_from_job"
    " max_run_subjobs suppress_email pwd cred tolerate_node_failures"
).split()
_RESOURCES = (
    "select place walltime filesystems ncpus nodect mem vmem ngpus cput min_walltime max_walltime software"
    " nodes mpiprocs host arch file pmem pvmem pcput nice singularity_fakeroot"
).split()
_ARRAY = re.compile(r"[0-9]+(-[0-9]+(:[0-9]+)?)?(%[0-9]+)?")


class Misused(Exception):
    """A command was not used as it wants to be: what it answers before it asks its server."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


class Asked(Record):
    """What a qsub asks for, the options of its script under those of its own.

    `resources` are those of `-l` as they were written, `variables` those of `-v` (None: as they are where qsub was
    called), `depend` pairs of a kind and the ids of parents.  `script` is the path of one, empty where it comes from
    stdin; `command` is what follows `--`.
    """

    script: str = ""
    command: tuple[str, ...] = ()
    name: str = ""
    queue: str = ""
    account: str = ""
    output: str = ""
    error: str = ""
    join: str = "n"
    keep: str = "n"
    rerun: bool = True
    held: bool = False
    everything: bool = False
    silent: bool = False
    block: bool = False
    resources: tuple[tuple[str, str], ...] = ()
    variables: tuple[tuple[str, str | None], ...] = ()
    depend: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def find(self, resource: str) -> str | None:
        """Return what was asked of a resource; None if nothing."""
        return dict(self.resources).get(resource)


# ---------------------------------------------------------------- words


def parse_words(command: str, known: str, argv: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the options, each with its value, and the words after them.  Raises Misused.

    `known` are the letters of the options, as for getopt: `:` follows one that has a value.
    """
    options: list[tuple[str, str]] = []
    at = 0
    while at < len(argv):
        word = argv[at]
        if word == "--" or not word.startswith("-") or word == "-":
            break
        at += 1
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            place = known.find(letter)
            if letter == ":" or place < 0:
                raise Misused(misuse(command, f"{command}: invalid option -- '{letter}'"))
            if known[place + 1 : place + 2] != ":":
                options.append((letter, ""))
                continue
            if not letters and at >= len(argv):
                raise Misused(misuse(command, f"{command}: option requires an argument -- '{letter}'"))
            options.append((letter, letters or argv[at]))
            at += not letters
            letters = ""
    return options, list(argv[at:])


def parse_qsub(argv: Sequence[str]) -> tuple[list[tuple[str, str]], str, tuple[str, ...]]:
    """Return the options of a qsub, the script that it names, and the command after `--`.  Raises Misused."""
    options, rest = parse_words("qsub", _QSUB, argv)
    if rest[:1] == ["--"]:
        if not rest[1:]:
            raise Misused(misuse("qsub"))
        return options, "", tuple(rest[1:])
    if len(rest) > 1:
        raise Misused(misuse("qsub"))
    return options, rest[0] if rest else "", ()


def parse_directives(text: str) -> list[tuple[str, str]]:
    r"""Return the options in the lines of a script that begin with `#PBS`, before its first command.

    Raises Misused, as an option on the command line does.

    >>> parse_directives("#!/bin/sh\n#PBS -N x -q debug\ndate\n#PBS -A p\n")
    [('N', 'x'), ('q', 'debug')]
    """
    options: list[tuple[str, str]] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#PBS") and stripped[4:5] in {" ", "\t"}:
            try:
                words = shlex.split(stripped[4:], comments=True)
            except ValueError:
                words = stripped[4:].split()
            options += parse_words("qsub", _QSUB, words)[0]
        elif stripped and not stripped.startswith(("#", ":")):
            break
    return options


def make_asked(
    options: Sequence[tuple[str, str]],
    directives: Sequence[tuple[str, str]] = (),
    *,
    script: str = "",
    command: tuple[str, ...] = (),
) -> Asked:
    """Return what the options of the command line ask for, and those of the script where these say nothing.

    Raises Misused.
    """
    said = _Said()
    said.hear(directives)
    said.hear(options)
    told, more = said.told, said.more
    _require_values(told)
    for letter, what in (("J", "an array of jobs"), ("I", "an interactive job")):
        if letter in told:
            line = f"qsub: the testbed does not emulate {what} (-{letter})\n"
            raise Misused(Answer("", line, 1))
    return Asked(
        script,
        command,
        told.get("N", "") or (os.path.basename(script)[:230] if script else "STDIN"),
        told.get("q", ""),
        told.get("A", ""),
        told.get("o", ""),
        told.get("e", ""),
        told.get("j", "n"),
        told.get("k", "n"),
        rerun=told.get("r", "y") == "y",
        held="h" in told,
        everything="V" in told,
        silent="z" in told,
        block=more.get("block", "").lower() == "true",
        resources=tuple(said.resources.items()),
        variables=tuple(said.variables.items()),
        depend=parse_depend(more["depend"]) if "depend" in more else (),
    )


class _Said:
    """Options as they were heard, the last one of a name over those before: by letter, resources, variables, `-W`."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}
        self.resources: dict[str, str] = {}
        self.variables: dict[str, str | None] = {}
        self.more: dict[str, str] = {}

    def hear(self, options: Sequence[tuple[str, str]]) -> None:
        """Take in options.  Raises Misused."""
        for letter, value in options:
            if letter == "l":
                self.resources |= _parse_resources(value)
            elif letter == "W":
                self.more |= _parse_more(value)
            elif letter == "v":
                self.variables |= _parse_variables(value)
            else:
                self.told[letter] = value


def _require_values(told: dict[str, str]) -> None:
    allowed = {"j": ("oe", "eo", "n"), "r": ("y", "n")}
    for letter, value in told.items():
        bad = letter in allowed and value not in allowed[letter]
        bad = bad or (letter == "J" and not _ARRAY.fullmatch(value))
        bad = bad or (letter == "N" and (not value or not re.fullmatch(r"[A-Za-z0-9_+.-]{1,230}", value)))
        if bad:
            raise Misused(misuse("qsub", f"qsub: illegal -{letter} value"))


def _parse_resources(text: str) -> dict[str, str]:
    """Return the resources of one `-l`; a value may have commas only within a resource of several words."""
    found: dict[str, str] = {}
    for piece in text.split(","):
        name, equals, value = piece.partition("=")
        if not name or not equals or not value:
            raise Misused(misuse("qsub", "qsub: illegal -l value"))
        found.setdefault(name.strip(), value.strip())
    return found


def _parse_more(text: str) -> dict[str, str]:
    """Return the attributes of one `-W`: `depend=afterok:1,afterany:2` has commas of its own."""
    found: dict[str, str] = {}
    last = ""
    for piece in text.split(","):
        name, equals, value = piece.partition("=")
        if equals and name.strip() in _WORDS_OF_W:
            last = name.strip()
            found[last] = value.strip()
        elif last == "depend" and piece.strip():
            found[last] += "," + piece.strip()
        else:
            raise Misused(misuse("qsub", "qsub: illegal -W value"))
    return found


def parse_depend(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the dependencies in `afterok:16:17,afterany:18`.  Raises Misused.

    >>> parse_depend("afterok:16.pbs01:17,afterany:18")
    (('afterok', ('16.pbs01', '17')), ('afterany', ('18',)))
    """
    found: list[tuple[str, tuple[str, ...]]] = []
    for piece in text.split(","):
        kind, *jobs = (each.strip() for each in piece.split(":"))
        ids = all(re.fullmatch(r"[0-9]+(\[[0-9]*\])?(\.[\w.@-]+)?", job) for job in jobs)
        if kind not in _DEPENDS or not jobs or not ids:
            raise Misused(misuse("qsub", "qsub: illegal -W value"))
        found.append((kind, tuple(jobs)))
    return tuple(found)


def _parse_variables(text: str) -> dict[str, str | None]:
    """Return the variables of `-v`: `A=1,B`; quotes or a backslash keep a comma in a value."""
    pieces = re.findall(r"((?:\\.|\"[^\"]*\"|'[^']*'|[^,\\\"'])+)", text)
    found: dict[str, str | None] = {}
    for piece in pieces:
        name, equals, value = piece.partition("=")
        if not name.strip():
            raise Misused(misuse("qsub", "qsub: illegal -v value"))
        value = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
        found[name.strip()] = re.sub(r"\\(.)", r"\1", value) if equals else None
    return found


# ---------------------------------------------------------------- values


def require_known(resources: Sequence[tuple[str, str]]) -> None:
    """Raise No for a resource that PBS does not know, or a time that is none.  It is qsub that looks at the latter."""
    for name, value in resources:
        if name == "walltime":
            parse_walltime(value)
    for name, _ in resources:
        if name not in _RESOURCES:
            raise No(UNKNOWN_RESOURCE, f"Resource_List.{name}")


def parse_walltime(text: str) -> int:
    """Return the seconds of a walltime: `HH:MM:SS`, `MM:SS` or seconds.  Raises No.

    >>> parse_walltime("1:30"), parse_walltime("01:30:00")
    (90, 5400)
    """
    match = re.fullmatch(r"(?:(?:([0-9]{1,6}):)?([0-9]{1,6}):)?([0-9]{1,9})(?:\.[0-9]*)?", text)
    if match is None:
        raise No(ILLEGAL_VALUE, "Resource_List.walltime")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return (hours * 60 + minutes) * 60 + seconds


def parse_select(text: str) -> tuple[int, int, str]:
    """Return the chunks of a `select`, their CPUs in all, and the first kind of chunk without its count.  Raises No.

    >>> parse_select("2:ncpus=4:system=polaris"), parse_select("1:ncpus=2+3")
    ((2, 8, 'ncpus=4:system=polaris'), (4, 5, 'ncpus=2'))
    """
    chunks = cpus = 0
    kinds: list[str] = []
    for piece in text.split("+"):
        head, *words = piece.split(":")
        count = head if re.fullmatch(r"[0-9]{1,9}", head) else "1"
        words = words if head == count else [head, *words]
        pairs = dict(word.partition("=")[::2] for word in words)
        each = pairs.get("ncpus", "1")
        if int(count) < 1 or not all(pairs.values()) or not each.isdigit():
            raise No(ILLEGAL_VALUE, "Resource_List.select")
        chunks += int(count)
        cpus += int(count) * int(each)
        kinds.append(":".join(words))
    return chunks, cpus, kinds[0]
