"""The trial job of `sites NAME --check`: one short job that tries what only a job can.

Owns its script, what it tries, and how its findings come back.  Knows nothing of what is tried outside of it.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import time

from hpcmake.app.site_check import Trial, bad, file_of, good, python_of, run, untried
from hpcmake.diagnostics import Trouble
from hpcmake.runners.held import find_held
from hpcmake.runners.launchers import find_launcher, render_node_launch
from hpcmake.runners.placed import complete_site
from hpcmake.runners.schedulers.jobs import DoNotKnow, Refused, Submission
from hpcmake.runners.schedulers.scheduler import find_scheduler
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hpcmake.runners.schedulers.scheduler import Scheduler
    from hpcmake.site import Queue, Site

WALLTIME = 300.0
"""Seconds that the trial job asks for, if its queue allows so few."""

LOOK = 5.0
"""Seconds between two looks for its findings."""

_PATIENCE = 600.0  # how long its findings are waited for, in seconds
_LOOKS = 6  # so often they are looked for when it has left the queue: they come over a shared file system
_LAUNCH = 120.0
_ON_NODE = """
import os, sys
with open(sys.argv[1], "w") as file:
    file.write("seen")
print("%d.%d on %s" % (sys.version_info[0], sys.version_info[1], os.uname()[1]))
"""


def try_job(site: Site, word: str) -> Iterator[Trial]:
    """Say what will be submitted, submit it, wait for it, and tell what it has found."""
    queue = next((each for each in site.queues if each.purpose == "trial"), None)
    scheduler = find_scheduler(site.scheduler)
    if queue is None or scheduler is None:
        yield untried("trial job", "nothing is submitted: the site names no queue for trials")
        return
    folder = os.path.abspath(f".hpcmake-check-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
    os.mkdir(folder)
    _write_script(site, word, folder)
    job = Submission(
        os.path.join(folder, "job.sh"),
        "hmcheck",
        queue.nodes[0],
        max(queue.shortest, WALLTIME),
        os.path.join(folder, "out"),
    )
    argv = scheduler.render_submit(site, queue, job)
    hours = (site.charged_nodes(queue, job.nodes) or job.nodes) * job.walltime / 3600
    yield untried("trial job", f"submitting one job of at most {hours:.2g} node-hours", shlex.join(argv))
    answer = scheduler.parse_submitted(*_asked(argv))
    if isinstance(answer, Refused):
        yield bad("trial job", f"refused: {_last_line(answer.text)}", f"see {folder}")
        return
    yield from _await_findings(scheduler, answer.id, folder)


def _write_script(site: Site, word: str, folder: str) -> None:
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    program = f"import sys; sys.path.insert(0, {package!r}); from hpcmake.app.site_trial import main; main()"
    inside = shlex.join([sys.executable, "-c", program, word, folder])
    path = os.path.join(folder, "job.sh")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/bash\n{site.setup}\ncd {shlex.quote(os.getcwd())} || exit 3\n{inside}\nstatus=$?\n")
        file.write(f"cd {shlex.quote(folder)} || exit 3\n")
        file.write('test -e found || { echo "$status" > failed; exit 3; }\n')
    os.chmod(path, 0o700)


def _await_findings(scheduler: Scheduler, number: str, folder: str) -> Iterator[Trial]:
    found, failed = (os.path.join(folder, name) for name in ("found", "failed"))
    until = time.monotonic() + _PATIENCE
    looks = 0
    try:
        while not os.path.exists(found) and not os.path.exists(failed):
            if time.monotonic() > until:
                mend = f"call it again when the queue is shorter, or read {found} when the job has run"
                yield bad("trial job", f"{number} has not run within {render_duration(_PATIENCE)}", mend)
                return
            looks = looks + 1 if _has_left(scheduler, number) else 0
            if looks > _LOOKS:
                yield bad("trial job", f"{number} has ended and told nothing", f"see {folder}/out")
                return
            time.sleep(LOOK)
    except KeyboardInterrupt:
        _asked(scheduler.render_cancel([number]))
        raise
    if os.path.exists(found):
        yield good("trial job", f"{number} ran")
        with open(found, encoding="utf-8") as file:
            yield from (Trial(*row) for row in json.load(file))
        _remove(folder)
        return
    mend = f"see {folder}/out: {sys.executable} must be there on nodes, or name another file system"
    yield bad("trial job", f"{number} could not start hpcmake", mend)


def _has_left(scheduler: Scheduler, number: str) -> bool:
    job = scheduler.parse_poll_job(*_asked(scheduler.render_poll_job(number)))
    return job is None or (not isinstance(job, DoNotKnow) and not job.in_queue)


def _asked(argv: Sequence[str]) -> tuple[int | None, str, str]:
    status, out, err = run(argv, 60.0)
    return status, out.decode(errors="replace"), err.decode(errors="replace")


def _last_line(text: str) -> str:
    return text.rpartition("\n")[2]


def _remove(folder: str) -> None:
    from shutil import rmtree

    rmtree(folder, ignore_errors=True)


# ---------------------------------------------------------------- inside the job


def main() -> None:
    """Try what a job can do, and write what was found beside its script."""
    from hpcmake.sites import read_site

    word, folder = sys.argv[1:]
    rows = [[trial.what, trial.ok, trial.found, trial.mend] for trial in _inside(read_site(word, os.environ), folder)]
    with open(os.path.join(folder, "found.part"), "w", encoding="utf-8") as file:
        json.dump(rows, file)
    os.replace(os.path.join(folder, "found.part"), os.path.join(folder, "found"))


def _inside(site: Site, folder: str) -> Iterator[Trial]:
    try:
        held = find_held(os.environ, now=time.time(), run=run, scheduler=site.scheduler)
        if held is None:
            yield bad("nodes", f"the job's environment says nothing of {site.scheduler}")
            return
        yield good("nodes", held.describe()) if held.left is not None else bad("nodes", held.describe())
        whole = complete_site(site, held, cores=os.cpu_count(), run=run)
    except Trouble as trouble:
        first = trouble.diagnostics[0]
        yield bad("nodes", first.message, first.help)
        return
    program = find_launcher(whole)
    if program is None:
        yield bad("launcher", f"{site.launcher} is not on the job's PATH", "load its module in the site's `setup`")
    elif whole.runs == "shell":
        yield _try_node(whole, held.nodes[0], program, folder)
    yield _try_submission(site, folder)


def _try_node(site: Site, node: str, program: str, folder: str) -> Trial:
    seen = os.path.join(folder, "seen")
    python = python_of(site)
    try:
        argv = render_node_launch(
            site, [node], [python, "-I", "-S", "-c", _ON_NODE, seen], program=program, root=os.geteuid() == 0
        )
    except Trouble as trouble:
        return bad("python on a node", trouble.diagnostics[0].message, trouble.diagnostics[0].help)
    began = time.monotonic()
    status, out, err = run(argv, _LAUNCH)
    took = render_duration(round(time.monotonic() - began, 1))
    said = out.decode(errors="replace").strip().splitlines()
    if status == 0 and said:
        late = "" if os.path.exists(seen) else "; a file that it wrote is not to be seen yet"
        return good("python on a node", f"{python} is {said[0]}, started in {took}{late}")
    why = err.decode(errors="replace").strip().splitlines() or said or [f"status {status}"]
    mend = f'write python = "/path/to/python3" into {file_of(site)}'
    return bad("python on a node", why[-1].strip(), mend)


def _try_submission(site: Site, folder: str) -> Trial:
    """Submit a job that is held, which costs nothing, and take it out again."""
    scheduler = find_scheduler(site.scheduler)
    if scheduler is None:
        return untried("jobs from jobs", "there is no scheduler")
    queue: Queue | None = next((each for each in site.queues if each.purpose == "trial"), None)
    script = os.path.join(folder, "held.sh")
    with open(script, "w", encoding="utf-8") as file:
        file.write("#!/bin/bash\ntrue\n")
    os.chmod(script, 0o700)
    nodes, walltime = (queue.nodes[0], max(queue.shortest, WALLTIME)) if queue else (1, WALLTIME)
    job = Submission(script, "hmheld", nodes, walltime, os.path.join(folder, "held.out"), held=True)
    answer = scheduler.parse_submitted(*_asked(scheduler.render_submit(site, queue, job)))
    if isinstance(answer, Refused):
        mend = f'write submit_from_jobs = "no" into {file_of(site)}'
        return bad("jobs from jobs", f"refused: {_last_line(answer.text)}", mend)
    _asked(scheduler.render_cancel([answer.id]))
    return good("jobs from jobs", "a job may submit others")
