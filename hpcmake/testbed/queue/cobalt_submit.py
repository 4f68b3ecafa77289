"""qsub of Cobalt: its options, the lines of a script, and what is refused.

Owns how a job is asked for.  Knows nothing of what becomes of it.
"""

from __future__ import annotations

import os
import re

from hpcmake.testbed.queue.cobalt_help import QSUB_HELP
from hpcmake.testbed.queue.cobalt_jobs import CobaltJob, TimeMistake, parse_minutes, render_date
from hpcmake.testbed.queue.cobalt_limits import require_admitted, require_filtered, require_machine
from hpcmake.testbed.queue.cobalt_words import QSUB, Options, Refused
from hpcmake.testbed.queue.nouns import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.testbed.queue.cobalt import Cobalt
    from hpcmake.testbed.queue.core import Queue
    from hpcmake.testbed.queue.nouns import Request

OPTIONS = Options(
    {
        **dict.fromkeys(("-n", "--nodecount"), "nodes"),
        **dict.fromkeys(("-t", "--time"), "time"),
        **dict.fromkeys(("-A", "--project"), "project"),
        **dict.fromkeys(("-q", "--queue"), "queue"),
        **dict.fromkeys(("-O", "--outputprefix"), "prefix"),
        **dict.fromkeys(("-o", "--output"), "output"),
        **dict.fromkeys(("-e", "--error"), "error"),
        **dict.fromkeys(("-i", "--inputfile"), "input"),
        **dict.fromkeys(("-M", "--notify"), "notify"),
        **dict.fromkeys(("-u", "--umask"), "umask"),
        **dict.fromkeys(("-K", "--kerneloptions"), "kerneloptions"),
        "--debuglog": "log",
        "--mode": "mode",
        "--proccount": "procs",
        "--dependencies": "dependencies",
        "--env": "env",
        "--cwd": "cwd",
        "--jobname": "name",
        "--attrs": "attrs",
        **dict.fromkeys(("--run_users", "--user_list"), "users"),
        "--geometry": "geometry",
        "--kernel": "kernel",
        "--ion_kernel": "ion_kernel",
        "--ion_kerneloptions": "ion_kerneloptions",
    },
    {
        **dict.fromkeys(("-h", "--held"), "held"),
        **dict.fromkeys(("-I", "--interactive"), "interactive"),
        **dict.fromkeys(("-d", "--debug"), "debug"),
        "--run_project": "run_project",
        "--disable_preboot": "preboot",
        "--preemptable": "preemptable",
        "-v": "verbose",
        "--help": "help",
    },
    numbers=("nodes", "procs"),
)
MODES = ("co", "vn", "script", "interactive")
MARK = "#COBALT"
_NAMED = re.compile(r"(?<!\\):(?=[A-Za-z_][A-Za-z0-9_]*=)")


def submit(cobalt: Cobalt, queue: Queue, request: Request) -> Answer:
    """Put a job into the queue.  Raises Refused."""
    values, words = OPTIONS.parse("qsub", request.argv, mixed=False)
    if "help" in values:
        return Answer(QSUB + QSUB_HELP)
    if not words:
        raise Refused("No executable or script specified\n\n", out=QSUB)
    cwd = os.path.join(request.cwd, (values.get("cwd") or [request.cwd])[-1])
    script = os.path.normpath(os.path.join(cwd, words[0]))
    values = _with_directives(values, script)
    if not values:
        raise Refused("No required options provided\n\n", out=QSUB)
    asked = Asked(values, cwd, script, largest=cobalt.size)
    asked.require_files()
    job = CobaltJob(
        0,
        user=request.user,
        queue=asked.last("queue") or "default",
        count=asked.nodes,
        walltime=asked.minutes * 60.0,
        argv=[script, *words[1:]],
        cwd=cwd,
        submitted=queue.now,
    )
    job.asked = asked.nodes
    job.project = asked.last("project") or request.environment.get("COBALT_PROJ", "")
    said = require_filtered(cobalt, job)
    require_machine(cobalt, job)
    require_admitted(cobalt, queue, job)
    job.number = queue.take_number()
    asked.fill(job, request)
    out, warning = _depend(cobalt, queue, job, asked)
    queue.add(job)
    _begin_log(queue, job, request)
    if job.user_hold:
        cobalt.log(queue, job, "user hold placed on job")
    if job.dependencies:
        cobalt.log(queue, job, "dep hold placed on job")
    return Answer(f"{out}{job.number}\n", said + warning)


def _with_directives(values: dict[str, list[str]], script: str) -> dict[str, list[str]]:
    """Return the options of a script's lines directly under the first, and behind them those of the command line."""
    try:
        with open(script, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read(1 << 16).splitlines()
    except OSError:
        return values
    words: list[str] = []
    if lines and lines[0].startswith("#!"):
        for line in lines[1:]:
            if not line.startswith(MARK):
                break
            words += line.removeprefix(MARK).split()  # nothing can be quoted
    found, _ = OPTIONS.parse("qsub", words)
    for key, given in values.items():
        found[key] = [*found.get(key, []), *given] if key == "env" else given
    return found


class Asked:
    """What was asked for, as far as it can be read.  Raises Refused."""

    def __init__(self, values: dict[str, list[str]], cwd: str, script: str, *, largest: int) -> None:
        self.values = values
        self.cwd = cwd
        self.script = script
        if "time" not in values:
            raise Refused("'time' not provided\n")
        if "nodes" not in values:
            raise Refused("'nodecount' not provided\n")
        try:
            self.minutes = parse_minutes(self.last("time"))
        except TimeMistake as problem:
            raise Refused(f"invalid time specification: {problem}\n") from None
        self.nodes = int(self.last("nodes"))
        if self.nodes < 1 or self.nodes > largest:
            raise Refused("node count out of realistic range\n")
        mode = self.last("mode") or "script"
        if mode not in MODES:
            raise Refused(f"Specifed mode '{mode}' not valid, valid modes are\n" + "".join(f"{m}\n" for m in MODES))
        self.procs = int(self.last("procs") or self.nodes)
        if self.procs <= 0:
            raise Refused(f"--proccount is {self.procs} which is greater <= to zero\n")
        self.attrs = parse_attrs(self.last("attrs"))
        self.environment: dict[str, str] = {}
        for text in values.get("env", []):
            self.environment |= _parse_env(text)

    def last(self, key: str) -> str:
        """Return what an option has said last; empty if it was not given."""
        return (self.values.get(key) or [""])[-1]

    def path(self, key: str, number: int) -> str:
        """Return the path that an option gives; empty if it was not given."""
        text = expand(self.last(key), number)
        return os.path.normpath(os.path.join(self.cwd, text)) if text else ""

    def require_files(self) -> None:
        """Require the script, its stdin, and the folders of its output."""
        if not os.path.isfile(self.script):
            raise Refused(f"command {self.script} not found, or is not a file\n")
        if not os.access(self.script, os.X_OK):
            raise Refused(f"command {self.script} is not executable\n")
        stdin = self.path("input", 0)
        if stdin and not os.path.isfile(stdin):
            raise Refused(f"file {stdin} not found, or is not a file\n")
        for key in ("output", "error", "log", "prefix"):
            path = self.path(key, 0)
            if path and not os.path.isdir(os.path.dirname(path)):
                raise Refused(f"directory {path} does not exist\n")

    def fill(self, job: CobaltJob, request: Request) -> None:
        """Write into a job that has its number what was asked for it."""
        number = job.number
        prefix = self.path("prefix", number)
        start = prefix or os.path.join(self.cwd, str(number))
        job.stdout = self.path("output", number) or f"{start}.output"
        job.stderr = self.path("error", number) or f"{start}.error"
        job.log = self.path("log", number) or f"{start}.cobaltlog"
        job.stdin = self.path("input", number) or "/dev/null"
        job.output = job.stdout if prefix or "output" in self.values else None
        job.error = job.stderr if prefix or "error" in self.values else None
        last = os.path.basename(prefix or self.path("output", number)).removesuffix(".output")
        job.name = expand(self.last("name"), number) or last or "N/A"
        job.procs = self.procs if self.procs != self.nodes else job.count
        job.variables = {name: expand(value, number) for name, value in self.environment.items()}
        job.attrs = self.attrs
        job.users += [each for each in self.last("users").split(":") if each and each != job.user]
        job.notify = self.last("notify")
        job.geometry = self.last("geometry")
        job.user_hold = "held" in self.values
        job.path = request.environment.get("PATH", "")


def expand(text: str, number: int) -> str:
    """Return a text with the number of the job for `$jobid` and `$COBALT_JOBID`."""
    return text.replace("$jobid", str(number)).replace("$COBALT_JOBID", str(number))


def _parse_env(text: str) -> dict[str, str]:
    r"""Return the variables of a list such as A=1:B=2, in which a colon not before a NAME= belongs to the value.

    >>> _parse_env(r"A=x y:B=a\:b\=c:P=/usr/bin:/bin")
    {'A': 'x y', 'B': 'a:b=c', 'P': '/usr/bin:/bin'}
    """
    found = {}
    for piece in _NAMED.split(text):
        name, equals, value = piece.partition("=")
        if not equals:
            raise Refused(f"Improperly formatted argument to env : {[piece]}\n")
        found[name] = value.replace("\\:", ":").replace("\\=", "=")
    return found


def parse_attrs(text: str) -> dict[str, str]:
    """Return the attributes of a list such as a=1:b:no_c.  Raises Refused.

    >>> parse_attrs("a=1:b:no_c")
    {'a': '1', 'b': 'true', 'c': 'false'}
    """
    found = {}
    for piece in filter(None, text.split(":")):
        words = piece.split("=")
        if len(words) > 2:  # noqa: PLR2004  # a name and a value
            raise Refused(f"Improperly formatted argument to attrs : {piece}\n")
        if len(words) == 1 and piece.startswith("no_"):
            found[piece.removeprefix("no_")] = "false"
        else:
            found[words[0]] = words[1] if len(words) > 1 else "true"
    return found


def _depend(cobalt: Cobalt, queue: Queue, job: CobaltJob, asked: Asked) -> tuple[str, str]:
    """Give a new job its dependencies; return what is said on stdout and on stderr."""
    text, is_given = asked.last("dependencies"), "dependencies" in asked.values
    given = [each for each in text.split(":") if each]
    cobalt.set_dependencies(job, given)
    out = "Removing job dependencies\n" if text.lower() == "none" else ""
    listed = {str(number) for number in queue.jobs}
    missing = [each for each in given if each not in listed]
    if not out and (missing or (is_given and not given)):
        return "", f"WARNING: dependencies {':'.join(missing)} do not match jobs currently in the queue\n"
    return out, ""


def _begin_log(queue: Queue, job: CobaltJob, request: Request) -> None:
    words = " ".join(("qsub", *request.argv))
    where = f"{render_date(queue.now)} submitted with cwd set to: {job.cwd}"
    queue.write(job.log, f"Jobid: {job.number}\n{words}\n{where}\n", create=True)
