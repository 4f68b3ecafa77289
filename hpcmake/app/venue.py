"""Where a run happens, as far as a run need know: what tasks may take there, what runs them, what the user is told.

Owns what both kinds of places have in common, and this machine as one of them.  Knows nothing of the loop.
"""

from __future__ import annotations

from hpcmake.app.machine import read_machine
from hpcmake.app.placing import LOCAL
from hpcmake.journal import FOLDER
from hpcmake.refusals import trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol

    from hpcmake.app.here import HeldNodes
    from hpcmake.app.opening import Opened
    from hpcmake.diagnostics import Trouble
    from hpcmake.model import Resources, Runner
    from hpcmake.planner.attempts import Attempts
    from hpcmake.planner.plan import Plan
    from hpcmake.runners.held import Held
    from hpcmake.site import Site
else:
    Protocol = object

LOGS = f"{FOLDER}/logs"


class Venue(Protocol):
    """Where a run happens.

    `site` is its name; `cores` what runs at once there, counted in those; `most_cores` and `most_memory` cap what an
    attempt is given, None: nothing does.  `job` is the scheduler's job that we are, None if we are none.  `wants` says
    how many attempts more a runner should be given, None: as many as the cores need.  `latency` is how many seconds
    a file may take to be seen where another task runs.
    """

    site: str
    cores: int
    most_cores: int | None
    most_memory: int | None
    job: str | None
    wants: Callable[[Runner], int] | None
    latency: float

    def launch(self, resources: Resources) -> Sequence[str]:
        """Return the words that stand for `{launch}`."""

    def check(
        self, plan: Plan, attempts: Attempts, *, retries: int, rows: Mapping[int, Sequence[int]] | None = None
    ) -> list[str]:
        """Check what each attempt takes; return what the user is to be told.  Raises Trouble for what can never run."""

    def runner(self) -> Runner:
        """Start what runs attempts.  Raises Trouble."""

    def start_row(self) -> dict[str, object]:
        """Return what is told of the place when a run begins."""

    def notes(self, plan: Plan) -> list[str]:
        """Return what the user should know of this place."""


class ThisMachine:
    """The machine that drives, as the place of a run; `jobs` limits its cores."""

    job: str | None = None
    wants: Callable[[Runner], int] | None = None
    latency = 0.0

    def __init__(self, jobs: int | None, mark: Callable[[], str]) -> None:
        self.machine = read_machine(jobs)
        self.site = LOCAL
        self.cores = self.machine.cores
        self.most_cores: int | None = self.machine.cores
        self.most_memory: int | None = self.machine.memory
        self._mark = mark

    def launch(self, resources: Resources) -> Sequence[str]:
        """Return the words that stand for `{launch}`."""
        from hpcmake.runners.launchers import mpiexec

        return mpiexec(resources)

    def check(
        self, plan: Plan, attempts: Attempts, *, retries: int, rows: Mapping[int, Sequence[int]] | None = None
    ) -> list[str]:
        """Check what each attempt takes; return what the user is to be told.  Raises Trouble for what can never run."""
        from hpcmake.app.limits import check_limits  # of a planner, which a job does without

        return check_limits(plan, attempts, self.machine, retries=retries, rows=rows)

    def runner(self) -> Runner:
        """Start what runs attempts.  Raises Trouble."""
        from hpcmake.runners.local import LocalRunner

        try:
            return LocalRunner(
                root=".",
                logs=LOGS,
                mark=self._mark(),
                cores=self.machine.cores,
                memory=self.machine.memory,
                gpus=self.machine.gpus,
            )
        except OSError as error:
            raise unstarted(error) from None

    def start_row(self) -> dict[str, object]:
        """Return what is told of the place when a run begins."""
        machine = self.machine
        return {"where": "this machine", "cores": machine.cores, "memory": machine.memory, "gpus": machine.gpus}

    def notes(self, plan: Plan) -> list[str]:
        """Return what the user should know of this place."""
        if not any(table.rule.has_nodes and table.count for table in plan.graph.tables):
            return []
        from hpcmake.runners.launchers import find_mpiexec

        if find_mpiexec() is not None:
            return []
        text = (
            "rules with nodes or ranks run under `mpiexec` here, and there is none on the PATH: "
            "install an MPI (MPICH, Open MPI)"
        )
        return [text]


def unstarted(error: OSError) -> Trouble:
    """Return that nothing could be started, since the folder of logs cannot be used."""
    return trouble(error, "keep the output of tasks in", LOGS, consequence="nothing was started")


def find_venue(opened: Opened, mark: Callable[[], str]) -> Venue:
    """Return where a campaign is to run: the nodes of the job that we are in, or this machine.  Raises Trouble."""
    jobs = opened.arguments.number("jobs")
    number = int(jobs) if jobs is not None else None
    if opened.held is not None and opened.site is not None:
        return nodes_of(opened.site, opened.held, number, mark)
    return ThisMachine(number, mark)


def nodes_of(site: Site, held: Held, jobs: int | None, mark: Callable[[], str], folder: str = FOLDER) -> HeldNodes:
    """Return the nodes of a job as the place of a run; logs are kept in `folder`.  Raises Trouble."""
    if held.block is not None and site.launcher == "runjob":
        from hpcmake.app.held_blocks import HeldBlocks

        return HeldBlocks(site, held, jobs, mark, folder)
    from hpcmake.app.here import HeldNodes

    return HeldNodes(site, held, jobs, mark, folder)
