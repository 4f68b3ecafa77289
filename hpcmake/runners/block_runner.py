"""Runs attempts on blocks of Blue Gene/Q, which are booted for them and freed at the end.

Owns the errands for that, and the note of what is booted.  Knows nothing of which block is next: that is decided by
its placement.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from math import inf

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.model import LAUNCH
from hpcmake.runners.allocation import AllocationRunner
from hpcmake.runners.block_books import BOOT, CORNERS, FREE, LIST, Errand
from hpcmake.runners.block_placement import BlockPlacement
from hpcmake.runners.blocks import (
    find_boot_failure,
    parse_blocks,
    parse_corners,
    render_boot,
    render_bootable,
    render_corners,
    render_free,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpcmake.model import Attempt, Resources
    from hpcmake.runners.doors import Doors
    from hpcmake.runners.errands import Answer, Errands
    from hpcmake.runners.orders import Rules

PATIENCE = 60.0
"""Seconds that blocks are given to be freed at the end; what has not, Cobalt frees when the job is over."""

_FAULT = 3  # the exit status: no task was tried
_LONGEST = {LIST: 120.0, CORNERS: 120.0, BOOT: 1200.0, FREE: 300.0}  # seconds, after which an errand is given up


class BlockRunner(AllocationRunner):
    """A `Runner` (see model.py) for one partition of Blue Gene/Q, in which blocks of these sizes may be booted.

    `launcher` are the words that every launch begins with, `spread` gives those that follow.  `note` is the file that
    tells a later run in the same job which blocks are booted.  The rest is as in `AllocationRunner`.
    """

    def __init__(  # noqa: PLR0913  # all are named by whoever calls
        self,
        doors: Doors,
        errands: Errands,
        *,
        partition: str,
        sizes: Sequence[int],
        most: int,
        note: str,
        launcher: Sequence[str],
        root: str,
        logs: str,
        mark: str,
        rules: Rules,
        spread: Callable[[Resources, Sequence[str]], Sequence[str]],
        left: float = inf,
        shells: int = 64,
        grace: float = 5.0,
        latency: float = 0.0,
        grain: int = 1,
        apart: float = 5.0,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(
            doors,
            root=root,
            logs=logs,
            mark=mark,
            spots=(),
            rules=rules,
            spread=spread,
            left=left,
            shells=shells,
            grace=grace,
            latency=latency,
            grain=grain,
        )
        self.blocks = BlockPlacement(
            partition, sizes, rules, end=self.placement.end, most=most, left=_read_note(note), apart=apart
        )
        self.placement = self.blocks
        self._launcher = tuple(launcher)
        self._note = note
        self._patience = patience
        self._errands = errands
        self._sent: list[Errand] = []

    def more(self, attempts: Sequence[Attempt]) -> None:
        """Queue attempts; each begins when there is a place for it."""
        super().more([self._with_environment(attempt) for attempt in attempts])

    def _with_environment(self, attempt: Attempt) -> Attempt:
        """Return an attempt whose launches hand on what its environment has: runjob gives nothing else to ranks."""
        env = {"OMP_NUM_THREADS": str(attempt.resources.cores_per_rank), **attempt.env}
        words = (*self._launcher, *(word for name, value in env.items() for word in ("--envs", f"{name}={value}")))
        text = " ".join(shlex.quote(word) for word in words)
        argv = None
        if attempt.argv is not None:
            spelled = [new for word in attempt.argv for new in ((*words, LAUNCH) if word == LAUNCH else (word,))]
            argv = tuple(word if word == LAUNCH else word.replace(LAUNCH, f"{text} {LAUNCH}") for word in spelled)
        script, post = (each.replace(LAUNCH, f"{text} {LAUNCH}") for each in (attempt.script, attempt.post))
        return attempt.replace(argv=argv, script=script, post=post)

    # ------------------------------------------------------------ errands

    def _turn(self, now: float) -> None:
        for answer in self._errands.take_ended():
            self._hear(self._sent[answer.number], answer)
        super()._turn(now)
        for errand in self.blocks.take_errands():
            self._send(errand)
        for text in self.blocks.notes:
            self.note(text)
        self.blocks.notes.clear()
        if self.blocks.failure and not self._closed:
            partition = self.blocks.partition
            message = f"no block of {partition} could be booted: {self.blocks.failure}"
            help_ = f"see `get-bootable-blocks {partition}`, and the job's .error file; then submit the job again"
            raise Trouble(Diagnostic("E916", message, help=help_), exit_status=_FAULT)

    def _send(self, errand: Errand) -> None:
        if errand.kind == LIST:
            argv = render_bootable(errand.block, errand.nodes)
        elif errand.kind == BOOT:
            argv = render_boot(errand.block)
            if self.blocks.blocks[errand.block].ours:
                self._remember(errand.block)
        elif errand.kind == FREE:
            argv = render_free(errand.block)
        else:
            argv = render_corners(errand.block, errand.nodes)
        self._sent.append(errand)
        self._errands.start(len(self._sent) - 1, argv, _LONGEST[errand.kind])

    def _hear(self, errand: Errand, answer: Answer) -> None:
        if errand.kind == LIST:
            self._hear_list(errand, answer)
        elif errand.kind == CORNERS:
            self.blocks.cornered(errand, parse_corners(answer.out) if answer.status == 0 else ())
        else:
            trouble = find_boot_failure(answer.status, answer.out, answer.err)
            (self.blocks.booted if errand.kind == BOOT else self.blocks.freed)(errand, trouble)

    def _hear_list(self, errand: Errand, answer: Answer) -> None:
        """Take which blocks can be booted.  Raises Trouble if Cobalt does not tell, and nothing is booted as yet."""
        try:
            names = _read_list(answer, errand.nodes)
        except Trouble as trouble:
            if not self.blocks.was_up:
                raise Trouble(*trouble.diagnostics, exit_status=_FAULT) from None
            self.blocks.unlisted(errand, trouble.diagnostics[0].message, self.doors.now())
        else:
            self.blocks.listed(errand, names)

    # ------------------------------------------------------------ the end

    def close(self) -> None:
        """End the runner; what still runs is killed, and the blocks that it has booted are freed, in bounded time."""
        super().close()
        self._errands.end()
        names = self.blocks.to_free()
        for name in names:
            self._send(Errand(FREE, name))
        answers = self._errands.finish(self._patience) if names else []
        if all(find_boot_failure(answer.status, answer.out, answer.err) is None for answer in answers) and len(
            answers
        ) == len(names):
            with contextlib.suppress(OSError):
                os.unlink(self._note)

    def _remember(self, block: str) -> None:
        with open(self._note, "a", encoding="utf-8") as file:
            file.write(block + "\n")


def _read_note(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return list(dict.fromkeys(file.read().split()))
    except OSError:
        return []


def _read_list(answer: Answer, size: int) -> list[str]:
    if answer.status != 0:
        message = f"get-bootable-blocks has failed: {_last_line(answer)}"
        help_ = "Cobalt may be down: try it again by hand, with the name in COBALT_PARTNAME"
        raise Trouble(Diagnostic("E916", message, help=help_))
    return parse_blocks(answer.out, size=size)


def _last_line(answer: Answer) -> str:
    lines = (answer.err.strip() or answer.out.strip()).splitlines()
    return lines[-1].strip() if lines else f"it ended with status {answer.status}"
