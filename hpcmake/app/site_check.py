"""`sites NAME --check`: tries a site on the machine itself, a line for each thing tried.

Owns what is tried, in which order, and how it is told.  Knows nothing of what runs inside the trial job.
"""

from __future__ import annotations

import os
import sys

from hpcmake.diagnostics import Diagnostic, Trouble, did_you_mean
from hpcmake.record import Record
from hpcmake.runners.launchers import find_launcher
from hpcmake.runners.process import call
from hpcmake.runners.schedulers.queue_facts import ASK, COMMANDS, parse_queues
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hpcmake.runners.schedulers.queue_facts import QueueFacts
    from hpcmake.site import Queue, Site

OLDEST_PYTHON = (3, 6)
"""What the node program needs."""

_PATIENCE = 60.0
_WORDS = {True: "ok", False: "NOT OK", None: "--"}
_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


class Trial(Record):
    """One thing that was tried: `ok` is None where it could not be, `mend` is what to do about it."""

    what: str
    ok: bool | None
    found: str
    mend: str = ""

    def words(self) -> str:
        """Return it for people, in one line or two."""
        line = f"{_WORDS[self.ok]:<7} {self.what:<16} {self.found}".rstrip()
        return line + "".join(f"\n{'':25}{each}" for each in self.mend.splitlines())

    def plain(self) -> dict[str, object]:
        """Return it as values for JSON."""
        return {"kind": "check", "what": self.what, "ok": self.ok, "found": self.found, "mend": self.mend}


def good(what: str, found: str) -> Trial:
    """Return what works."""
    return Trial(what, ok=True, found=found)


def bad(what: str, found: str, mend: str = "") -> Trial:
    """Return what does not work."""
    return Trial(what, ok=False, found=found, mend=mend)


def untried(what: str, found: str, mend: str = "") -> Trial:
    """Return what could not be tried."""
    return Trial(what, ok=None, found=found, mend=mend)


def check_site(site: Site, word: str, *, json: bool) -> int:
    """Try a site, print what was found, and return the exit status; `word` is what named it."""
    status = 0
    for trial in _trials(site, word, os.environ):
        if json:
            from json import dumps

            sys.stdout.write(dumps(trial.plain(), separators=(",", ":")) + "\n")
        else:
            sys.stdout.write(trial.words() + "\n")
        sys.stdout.flush()
        if trial.ok is False:
            status = 3
    return status


def _trials(site: Site, word: str, environ: Mapping[str, str]) -> Iterator[Trial]:
    here = [name for name in COMMANDS[site.scheduler] if _find(name, environ)]
    yield from _try_commands(site, here)
    yield _try_launcher(site, environ)
    yield from _try_needs(site)
    yield _try_folder()
    yield _try_python(site)
    if site.scheduler == "none":
        return
    if len(here) < len(COMMANDS[site.scheduler]):
        yield untried("queues", f"not tried: {site.scheduler} is not here", "call this on a login node")
        yield untried("trial job", "not tried either")
        return
    known = _read_queues(site)
    if isinstance(known, Trial):
        yield known
    else:
        yield from _try_queues(site, known)
    if isinstance(known, Trial) or any(_missing(site)):
        yield untried("trial job", "not tried, for what is said above")
        return
    from hpcmake.app.site_trial import try_job

    yield from try_job(site, word)


def _find(name: str, environ: Mapping[str, str]) -> str | None:
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    paths = (os.path.join(folder, name) for folder in folders)
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)


def _try_commands(site: Site, here: Sequence[str]) -> Iterator[Trial]:
    wanted = COMMANDS[site.scheduler]
    if not wanted:
        return
    absent = [name for name in wanted if name not in here]
    if absent:
        mend = f"call this where {site.scheduler} is (a login node), or load its module"
        yield bad("commands", f"not on PATH: {', '.join(absent)}", mend)
    else:
        yield good("commands", ", ".join(wanted))


def _try_launcher(site: Site, environ: Mapping[str, str]) -> Trial:
    if site.launcher == "none":
        return untried("launcher", "the site has none")
    found = find_launcher(site, environ.get("PATH", os.defpath))
    if found is not None:
        return good("launcher", found)
    if site.scheduler != "none":
        return untried("launcher", f"{site.launcher} is not here; the trial job looks where scripts run")
    return bad("launcher", f"{site.launcher} is not on PATH", "needed for rules with nodes or ranks only")


def _missing(site: Site) -> Iterator[str]:
    for key in site.needs:
        if not getattr(site, key):
            yield key


def _try_needs(site: Site) -> Iterator[Trial]:
    examples = {"project": 'project = "NAME"', "filesystems": 'filesystems = ["home"]'}
    missing = list(_missing(site))
    for key in site.needs:
        if key in missing:
            where = file_of(site)
            yield bad(key, "no job is taken without it", f"write {examples[key]} into {where}")
        else:
            value = getattr(site, key)
            yield good(key, value if isinstance(value, str) else ", ".join(value))


def _try_folder() -> Trial:
    """Make a file, and a second name for it: whoever drives a campaign holds it by such a link."""
    name = f".hpcmake-check-{os.getpid()}"
    try:
        with open(name, "x", encoding="utf-8"):
            os.link(name, name + ".link")
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        mend = "call this in the folder of a campaign, on a file system that the nodes see too"
        return bad("folder", f"{os.getcwd()}: {reason}", mend)
    finally:
        for each in (name, name + ".link"):
            if os.path.lexists(each):
                os.unlink(each)
    return good("folder", f"{os.getcwd()} can be written")


def file_of(site: Site) -> str:
    """Return the user's own file of a site, else where it would go."""
    own = [path for path in site.files if path != "built in"]
    return own[-1] if own else f"~/.config/hpcmake/sites/{site.name}.toml"


def python_of(site: Site) -> str:
    """Return the Python that the nodes of a site are asked for."""
    return site.python or "python3"


def _try_python(site: Site) -> Trial:
    program = python_of(site)
    mend = f'write python = "/path/to/python3" into {file_of(site)}'
    status, out, err = run([program, "-I", "-S", "-c", _VERSION], _PATIENCE)
    version = out.decode(errors="replace").strip()
    if status != 0:
        said = err.decode(errors="replace").strip().splitlines()
        return bad("python here", f"{program}: {said[-1] if said else f'status {status}'}", mend)
    if tuple(int(part) for part in version.split(".") if part.isdigit()) < OLDEST_PYTHON:
        return bad("python here", f"{program} is {version}: nodes need 3.6 at least", mend)
    return good("python here", f"{program} is {version}")


def run(argv: Sequence[str], timeout: float) -> tuple[int | None, bytes, bytes]:
    """Run a command; one that is not there has the status 127."""
    try:
        return call(argv, timeout=timeout)
    except OSError as problem:
        return 127, b"", (problem.strerror or str(problem)).lower().encode()


# ---------------------------------------------------------------- queues


def _read_queues(site: Site) -> dict[str, QueueFacts] | Trial:
    """Return the queues of the scheduler; where it does not answer, that."""
    argv = ASK[site.scheduler]
    status, out, err = run(argv, _PATIENCE)
    said = err.decode(errors="replace").strip().splitlines()
    if status is None:
        return bad("queues", f"{argv[0]} did not answer within {render_duration(_PATIENCE)}", "try again later")
    if status != 0:
        last = said[-1].strip() if said else f"status {status}"
        return bad("queues", f"{argv[0]} does not answer: {last}", "try again later")
    return parse_queues(site.scheduler, out.decode(errors="replace"))


def _try_queues(site: Site, known: Mapping[str, QueueFacts]) -> Iterator[Trial]:
    yield good("queues", ", ".join(known) or "the scheduler names none")
    where = file_of(site)
    for queue in site.queues:
        if queue.words is not None:
            continue  # not asked for by its name
        what = f"queue {queue.name}"
        if queue.name not in known:
            close = did_you_mean(queue.name, known)
            yield bad(what, f"the scheduler has none of that name{': ' + close if close else ''}", f"see {where}")
            continue
        wrong = list(_differences(site, queue, known))
        yield Trial(what, not wrong, "; ".join(wrong) or "as the site says", f"correct it in {where}" if wrong else "")


def _differences(site: Site, queue: Queue, known: Mapping[str, QueueFacts]) -> Iterable[str]:
    """Tell where the numbers of a site promise more than the scheduler gives."""
    facts = known[queue.name]
    if facts.state:
        yield f"it is {facts.state}"
    longest = max((seconds for _, seconds in queue.longest), default=0.0)
    if facts.longest is not None and longest > facts.longest:
        yield f"the scheduler gives {render_duration(facts.longest)}, the site says {render_duration(longest)}"
    if facts.most_nodes is not None and queue.nodes[1] > facts.most_nodes:
        yield f"the scheduler gives {facts.most_nodes} nodes, the site says {queue.nodes[1]}"
    kind = site.find_kind(queue.node) if queue.node is not None else None
    if facts.cpus is not None and kind is not None and kind.cores > facts.cpus:
        yield f"its nodes have {facts.cpus} CPUs, the site says {kind.cores} cores"


def require_named(words: Sequence[str]) -> str:
    """Return the site that is to be tried.  Raises Trouble if none was named."""
    if words:
        return words[0]
    raise Trouble(Diagnostic("E808", "`--check` tries one site", help="name it: `hpcmake sites NAME --check`"))
