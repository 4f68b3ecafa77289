"""The nodes of the job that we are in, as the place of a run.

Owns how they are used by the site's launcher, and what does not fit on them.  Knows nothing of the loop.
"""

from __future__ import annotations

import gc
import os
import time
from math import inf

from hpcmake.app.venue import unstarted
from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.journal import FOLDER
from hpcmake.model import LAUNCH
from hpcmake.runners.allocation import AllocationRunner
from hpcmake.runners.dialects import scrub_launcher
from hpcmake.runners.doors import RealDoors
from hpcmake.runners.launchers import find_launcher, render_hostfile, render_launch, render_node_launch
from hpcmake.runners.orders import Rules, Spot
from hpcmake.runners.placed import margin_of
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hpcmake.model import Resources, Runner
    from hpcmake.planner.attempts import Attempts
    from hpcmake.planner.plan import Plan
    from hpcmake.runners.held import Held
    from hpcmake.site import Site

_SHELLS = 64  # at once on the machine of the script, where the site does not say
_COLLECT = (50_000, 20, 100)  # thresholds of Python's collector: looking at 10⁵ attempts often costs a fifth of all
_FILES = 64  # descriptors that are not of launches
_PER_LAUNCH = 4  # descriptors


class HeldNodes:
    """The nodes of a job; `jobs` is how many of them to use, None: all.

    Logs of tasks and what launches say are kept in `folder`.  Raises Trouble if there is no launcher.
    """

    most_cores: int | None = None
    most_memory: int | None = None
    margin_share = 1.0
    """How much of the site's margin is kept: where a planner has kept all of it, a part is for the start of the job."""

    def __init__(self, site: Site, held: Held, jobs: int | None, mark: Callable[[], str], folder: str = FOLDER) -> None:
        self.site = site.name
        self._logs = f"{folder}/logs"
        self._launches = f"{folder}/launches"
        self.held = held
        self.job: str | None = held.job
        self.wants: Callable[[Runner], int] | None = _wants
        self.latency = site.latency or 0.0
        self._site = site
        self._mark = mark
        self._since = time.monotonic()
        self._kind = site.nodes[0]
        names = held.nodes[:jobs]
        self.spots = [Spot(name, self._kind.cores, self._kind.memory or 0, self._kind.gpus) for name in names]
        self.cores = self._kind.cores * len(names)
        self._asked = jobs
        self._hostfiles = 0
        program = find_launcher(site)
        if program is None:
            message = f"the launcher of {site.name}, `{site.launcher}`, is not on the PATH"
            help_ = "load what brings it (a module?), or name the site that this machine is: `--site NAME`"
            raise Trouble(Diagnostic("E915", message, help=help_), exit_status=3)
        self._program = program

    # ------------------------------------------------------------ commands

    def launch(self, resources: Resources) -> Sequence[str]:  # noqa: ARG002  # the nodes are not known yet
        """Return what stands for `{launch}` until the nodes are known."""
        return (LAUNCH,)

    def _spread(self, resources: Resources, nodes: Sequence[str]) -> Sequence[str]:
        return self._named(
            render_launch(
                self._site,
                resources,
                nodes,
                program=self._program,
                hostfile=self._hostfile(nodes, resources.ranks_per_node),
                cpus=self.held.cpus,
                cwd=os.getcwd(),
                root=os.geteuid() == 0,
            )
        )

    def _serve(self, nodes: Sequence[str], words: Sequence[str]) -> Sequence[str]:
        return self._named(
            render_node_launch(
                self._site,
                nodes,
                words,
                kind=self._kind,
                program=self._program,
                hostfile=self._hostfile(nodes, 1),
                root=os.geteuid() == 0,
            )
        )

    def _named(self, words: list[str]) -> list[str]:
        """Let a step of Slurm bear the mark of this campaign, so that one that was left can be found and ended."""
        return [words[0], f"--job-name={self._mark()}", *words[1:]] if self._site.launcher == "srun" else words

    def _hostfile(self, nodes: Sequence[str], per_node: int) -> str | None:
        text = render_hostfile(self._site, nodes, per_node=per_node)
        if text is None:
            return None
        self._hostfiles += 1
        path = os.path.abspath(f"{self._launches}/{os.getpid()}.{self._hostfiles}.hosts")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    # ------------------------------------------------------------ what a run asks

    def check(
        self, plan: Plan, attempts: Attempts, *, retries: int, rows: Mapping[int, Sequence[int]] | None = None
    ) -> list[str]:
        """Check what each attempt takes; return what the user is to be told.  Raises Trouble for what can never run."""
        from hpcmake.app.node_limits import check_nodes  # of a planner, which a job does without

        return check_nodes(plan, attempts, self._site, len(self.spots), retries=retries, rows=rows)

    def left(self) -> float:
        """Return the seconds for which tasks may run still: those of the job, less the site's margin."""
        if self.held.left is None:
            return inf
        gone = time.monotonic() - self._since
        return self.held.left - self.margin() - gone

    def margin(self) -> float:
        """Return the seconds that are left unused at the end of the job."""
        return self.margin_share * margin_of(self._site, self.held)

    def grain(self) -> int:
        """Return the ns in whole multiples of which the file system keeps times."""
        return max(1, int((self._site.mtime_grain or 0.0) * 1e9))

    def runner(self) -> Runner:
        """Start what runs attempts.  Raises Trouble."""
        site, launch = self._site, self._site.launch
        os.makedirs(self._launches, exist_ok=True)
        gc.set_threshold(*_COLLECT)
        mailbox = launch.carrier == "mailbox"
        try:
            doors = RealDoors(
                launch=self._serve,
                folder=self._launches,
                mark=self._mark(),
                mailbox=mailbox,
                python=site.python,
                environment=scrub_launcher(os.environ),
            )
            return AllocationRunner(
                doors,
                root=".",
                logs=self._logs,
                mark=self._mark(),
                spots=self.spots,
                rules=Rules(
                    at_once=most_launches(launch.at_once),
                    pause=launch.pause,
                    shares=(launch.per_node or 2) > 1 and site.launcher != "flux",
                    together=mailbox,
                    crowds=launch.over_limit == "mailbox",
                    lead=1.0 if mailbox else 0.2,
                ),
                spread=self._spread,
                left=self.left(),
                shells=site.shells_at_once or _SHELLS,
                latency=self.latency,
                grain=self.grain(),
            )
        except OSError as error:
            raise unstarted(error) from None

    def start_row(self) -> dict[str, object]:
        """Return what is told of the place when a run begins."""
        nodes = "1 node" if len(self.spots) == 1 else f"{len(self.spots)} nodes"
        job = f", job {self.held.job}" if self.held.job else ""
        until = f", {render_duration(self.held.left)} left" if self.held.left is not None else ""
        return {
            "where": f"{nodes} of {self.site}{job}{until}",
            "nodes": len(self.spots),
            "site": self.site,
            "job": self.held.job,
            "left": self.held.left,
        }

    def notes(self, plan: Plan) -> list[str]:  # noqa: ARG002  # it is of no concern here
        """Return what the user should know of this place."""
        found = []
        if self._asked is not None and self._asked > self.held.count:
            found.append(f"-j {self._asked} asks for more nodes than this job has: {self.held.count} are used")
        if self.held.left is None:
            found.append(f"nobody knows when this job ends ({self.held.basis}): tasks are begun until it does")
        return found


def _wants(runner: Runner) -> int:
    assert isinstance(runner, AllocationRunner)  # noqa: S101  # it is the one that we start
    return runner.wants()


def most_launches(at_once: int | None) -> int:
    """Return how many launches may be at a time: as the site says, and as descriptors allow."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most = max(1, (hard - _FILES) // _PER_LAUNCH) if hard != resource.RLIM_INFINITY else 1 << 20
    return most if at_once is None else min(most, at_once)
