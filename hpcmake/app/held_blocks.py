"""The partition of Blue Gene/Q that a job holds, as the place of a run.

Owns what differs from a job that has nodes: blocks must be booted.  Knows nothing of the loop.
"""

from __future__ import annotations

import os
import shutil

from hpcmake.app.here import HeldNodes, most_launches
from hpcmake.app.venue import unstarted
from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.journal import FOLDER
from hpcmake.runners.block_runner import BlockRunner
from hpcmake.runners.blocks import block_sizes
from hpcmake.runners.doors import RealDoors
from hpcmake.runners.errands import Errands
from hpcmake.runners.launchers import preview_launch
from hpcmake.runners.orders import Rules, Spot
from hpcmake.runners.process import MARK
from hpcmake.tasks.states import is_stale
from hpcmake.tasks.wait import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hpcmake.model import Runner
    from hpcmake.planner.attempts import Attempts
    from hpcmake.planner.plan import Plan
    from hpcmake.runners.held import Held
    from hpcmake.site import Site

APART = 5.0
"""Seconds between the boots of two blocks: what scripts for these machines leave."""

_SHELLS = 64
_COMMANDS = ("get-bootable-blocks", "boot-block")


class HeldBlocks(HeldNodes):
    """A partition; `jobs` is how many of its nodes to use, None: all.  Raises Trouble if its commands are not there."""

    def __init__(self, site: Site, held: Held, jobs: int | None, mark: Callable[[], str], folder: str = FOLDER) -> None:
        super().__init__(site, held, jobs, mark, folder)
        for command in _COMMANDS:
            if shutil.which(command) is None:
                message = f"`{command}`, which {site.name} boots blocks by, is not on the PATH"
                help_ = "it is part of Cobalt, and there where jobs run: is this the node of the job's script?"
                raise Trouble(Diagnostic("E915", message, help=help_), exit_status=3)
        kind = site.nodes[0]
        count = held.count if jobs is None else min(jobs, held.count)
        self.spots = [Spot(held.nodes[0], kind.cores, kind.memory or 0, kind.gpus)] * count
        self.cores = kind.cores * count

    def check(
        self, plan: Plan, attempts: Attempts, *, retries: int, rows: Mapping[int, Sequence[int]] | None = None
    ) -> list[str]:
        """Check what each attempt takes; return what the user is to be told.  Raises Trouble for what can never run."""
        words = super().check(plan, attempts, retries=retries, rows=rows)
        mistakes = list(self._unlaunched(plan, attempts, rows))
        if mistakes:
            raise Trouble(*mistakes)
        return words

    def _unlaunched(
        self, plan: Plan, attempts: Attempts, rows: Mapping[int, Sequence[int]] | None
    ) -> Iterator[Diagnostic]:
        """Yield what runjob cannot launch, once for each rule."""
        for table in plan.graph.tables:
            those = range(table.count) if rows is None else rows.get(table.rule.number, ())
            row = next((row for row in those if is_stale(table.state[row])), None)
            if row is None or not table.rule.has_nodes:
                continue
            try:
                preview_launch(self._site, attempts.resources(table, row, 1)[0])
            except Trouble as trouble:
                span = table.rule.resources.get("ranks_per_node")
                for each in trouble.diagnostics:
                    yield each.replace(span=span.span if span is not None else table.rule.span)
            except Wait:
                continue

    def runner(self) -> Runner:
        """Start what runs attempts.  Raises Trouble."""
        site, launch, mark = self._site, self._site.launch, self._mark()
        os.makedirs(self._launches, exist_ok=True)
        environment = {**os.environ, MARK: mark + ":blocks"}
        try:
            return BlockRunner(
                RealDoors(launch=self._serve, folder=self._launches, mark=mark, python=site.python),
                Errands(environment),
                partition=self.held.nodes[0],
                sizes=block_sizes(site.smallest_block or self.held.count, self.held.count),
                most=len(self.spots),
                note=f"{FOLDER}/blocks.{self.held.job}",
                launcher=(self._program,),
                root=".",
                logs=self._logs,
                mark=mark,
                rules=Rules(at_once=most_launches(launch.at_once), pause=launch.pause),
                spread=lambda resources, nodes: self._spread(resources, nodes)[1:],
                left=self.left(),
                shells=site.shells_at_once or _SHELLS,
                latency=site.latency or 0.0,
                grain=self.grain(),
                apart=APART,
            )
        except OSError as error:
            raise unstarted(error) from None
