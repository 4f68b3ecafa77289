"""How Cobalt's commands read their words, and how they say that something is wrong.

Owns the forms of options, of tables and of errors.  Knows nothing of jobs.
"""

from __future__ import annotations

import re

from hpcmake.testbed.queue.nouns import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOISE = 'No handlers could be found for logger "Proxy"\n'
"""What comes before whatever the server says."""

SYSTEM, QUEUES = 1004, 1001
"""The numbers of faults: of the system, and of the queue manager."""

DOWN = (
    r"<START TRACEBACK\n    Traceback (most recent call last):\n    (the testbed leaves out about 30 lines)\n"
    r"    Exception  : error: [Errno 111] Connection refused\nEND TRACEBACK>"
)
"""What is told of a connection that fails."""

HELP = "Refer to man pages for JOBID EXPANSION and SCRIPT JOB DIRECTIVES.\n\n\n"
QSUB = f"Usage: qsub.py --help\nUsage: qsub.py [options] <executable> [<excutable options>]\n\n{HELP}"
USAGES = {
    "qsub": QSUB,
    "qdel": "Usage: qdel.py [options] <jobid1> [ ... <jobidN>]\n\n",
    "qstat": "Usage: qstat.py [options] [<jobid|queue> ...]\n\n",
    "qhold": "Usage: qhold.py [options] <jobid1> [ ... <jobidN>]\n\n",
    "qrls": "Usage: qrls.py [options] <jobid1> [ ... <jobidN>]\n\n",
    "qalter": "Usage: qalter.py [options] <jobid1> [ ... <jobidN>]\n\n",
    "qmove": "Usage: qmove.py [options] <queue name> <jobid1> [ ... <jobidN>]\n\n",
    "qselect": "Usage: qselect.py [options]\n\n",
}
"""How each command is to be used: the first two as Cobalt has them, the others in that manner."""


_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


class Refused(Exception):
    """A command ends with an answer of this kind."""

    def __init__(self, err: str, *, status: int = 1, out: str = "") -> None:
        super().__init__(err)
        self.answer = Answer(out, err, status)


def fault(number: int, text: str, where: str = "") -> Refused:
    """Return a «no» of the server, as the command shows it that asks it for something; `where` is empty for qsub."""
    said = f"<Fault {number}: {text!r}>"
    return Refused(NOISE + (f"component error: XMLRPC failure {said} in {where}\n\n" if where else f"{said}\n"))


class Options:
    """What the options of a command are: those with a value, each by its names, and flags.

    `texts` and `flags` map each name to its key; `numbers` are keys whose value is a whole number.
    """

    def __init__(self, texts: Mapping[str, str], flags: Mapping[str, str], numbers: Sequence[str] = ()) -> None:
        self.texts = texts
        self.flags = flags
        self.numbers = numbers

    def parse(self, command: str, argv: Sequence[str], *, mixed: bool = True) -> tuple[dict[str, list[str]], list[str]]:
        """Return the values of options by key, and the other words.  Raises Refused.

        `mixed`: options may stand behind other words too; else the first of those ends them.
        """
        values: dict[str, list[str]] = {}
        rest: list[str] = []
        words = list(argv)
        while words:
            word = words.pop(0)
            if word == "--":
                rest += words
                break
            if len(word) < 2 or word[0] != "-":  # noqa: PLR2004  # a dash and a letter
                rest.append(word)
                if not mixed:
                    rest += words
                    break
                continue
            name, equals, value = word.partition("=") if word.startswith("--") else (word[:2], "", "")
            if name == "--version":
                version = f'version: "{command}.py " + $Revision: 406 $ + , Cobalt  + $Version$\n'
                raise Refused("", status=0, out=version)
            name = self._full(command, name)
            if name in self.flags:
                if not word.startswith("--") and len(word) > 2:  # noqa: PLR2004  # more flags behind the first
                    words.insert(0, "-" + word[2:])
                values.setdefault(self.flags[name], []).append("")
                continue
            if not equals:
                if not word.startswith("--") and len(word) > 2:  # noqa: PLR2004  # -n5
                    value = word[2:]
                elif words:
                    value = words.pop(0)
                else:
                    raise mistake(command, f"{name} option requires an argument")
            key = self.texts[name]
            if key in self.numbers and not _INTEGER.fullmatch(value):
                raise mistake(command, f"option {name}: invalid integer value: '{value}'")
            values.setdefault(key, []).append(value)
        return values, rest

    def _full(self, command: str, name: str) -> str:
        """Return an option's full name: its beginning is enough, if it is that of no other."""
        known = [*self.texts, *self.flags]
        if name in known:
            return name
        found = [each for each in known if name.startswith("--") and each.startswith(name)]
        if len({self.texts.get(each) or self.flags.get(each) for each in found}) == 1:
            return found[0]
        if found:
            raise mistake(command, f"ambiguous option: {name} ({', '.join(sorted(found))}?)")
        raise mistake(command, f"no such option: {name}")


def mistake(command: str, text: str) -> Refused:
    """Return what a command says of words that it cannot read."""
    return Refused(f"{USAGES[command]}{command}.py: error: {text}\n", status=2)


def render_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table: each column as wide as its widest entry, and two blanks."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["".join(f"{cell:<{width}}  " for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    lines.insert(1, "=" * sum(width + 2 for width in widths))
    return "".join(line + "\n" for line in lines)


def render_block(head: Sequence[str], row: Sequence[str]) -> str:
    """Return a row with one value a line, and an empty line behind."""
    width = max(map(len, head))
    lines = [f"{head[0]}: {row[0]}"]
    lines += [f"    {name:<{width}} : {value}" for name, value in zip(head[1:], row[1:], strict=True)]
    return "".join(line + "\n" for line in lines) + "\n"
