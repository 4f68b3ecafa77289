"""Carries the streams of ranks through their launcher, where it does so: to all ranks, or with labels, or with losses.

Owns the pipes between a keeper and its ranks.  Knows nothing of what passes through them.
"""

from __future__ import annotations

import os
import select

from .face import ALL, NOBODY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .breakage import Breakage
    from .face import Rank, Step

PIECE = 1 << 16


class Outlet:
    """What comes from one stream of a rank: its descriptor, where it goes, and the line that is not whole yet."""

    def __init__(self, descriptor: int, target: int, label: bytes) -> None:
        self.descriptor = descriptor
        self.target = target
        self.label = label
        self.part = b""


class Relay:
    """The streams of all ranks of a launch."""

    def __init__(self, poll: select.poll, step: Step, breakage: Breakage, count: int) -> None:
        self.poll = poll
        self.step = step
        self.breakage = breakage
        self.width = len(str(max(0, count - 1)))
        self.outlets: dict[int, Outlet] = {}
        self.inlets: dict[int, bytes] = {}  # our ends of the ranks' stdins, with what waits for each
        self.blocked: set[int] = set()
        self.over = False
        self.theirs: list[int] = []
        self.reading = False
        self.is_cut = False

    def streams(self, rank: Rank) -> tuple[int, int, int]:
        """Return the descriptors that a rank gets."""
        theirs = [self._inlet(rank)]
        for target in (1, 2):
            ours, end = os.pipe()
            label = f"{rank.number:>{self.width}}: ".encode() if self.step.labelled else b""
            self.outlets[ours] = Outlet(ours, target, label)
            self.poll.register(ours, select.POLLIN)
            theirs.append(end)
        self.theirs = theirs
        return theirs[0], theirs[1], theirs[2]

    def _inlet(self, rank: Rank) -> int:
        wanted = {"first": "0", NOBODY: "", ALL: str(rank.number)}.get(self.step.stdin, self.step.stdin)
        if str(rank.number) != wanted:
            return os.open(os.devnull, os.O_RDONLY)
        end, ours = os.pipe()
        os.set_blocking(ours, False)
        self.inlets[ours] = b""
        self._start_reading()
        return end

    def started(self, _rank: Rank) -> None:
        """Close the ends that the rank has now."""
        for descriptor in self.theirs:
            os.close(descriptor)
        self.theirs = []

    def ended(self) -> bool:
        """Tell whether all output has come through."""
        return not self.outlets

    def serve(self, descriptor: int, _events: int) -> None:
        """Carry what there is to carry."""
        if descriptor == 0:
            if self.reading:  # else the launcher was found dead in the same breath
                self._serve_stdin()
            return
        if descriptor in self.inlets:
            self._feed(descriptor)
            return
        outlet = self.outlets.get(descriptor)
        if outlet is None:
            return
        piece = os.read(descriptor, PIECE)
        if piece:
            lines = (outlet.part + piece).split(b"\n")
            outlet.part = lines.pop()
            self._write(outlet, [line + b"\n" for line in lines])
            if not (outlet.label or self.breakage.loses):
                self._write(outlet, [outlet.part])
                outlet.part = b""
            return
        if outlet.part:
            self._write(outlet, [outlet.part + (b"\n" if outlet.label else b"")])
        self.poll.unregister(descriptor)
        os.close(descriptor)
        del self.outlets[descriptor]

    def _write(self, outlet: Outlet, lines: list[bytes]) -> None:
        if self.breakage.loses and outlet.target == 1:
            lines = [self.breakage.spoil(line) for line in lines]
        rest = b"".join(outlet.label + line for line in lines if line)
        try:
            while rest and not self.is_cut:
                rest = rest[os.write(outlet.target, rest) :]
        except OSError:
            pass  # nobody reads it

    def _serve_stdin(self) -> None:
        """Read what there is for the ranks; no more is read before all of them have taken it."""
        try:
            piece = os.read(0, PIECE)
        except OSError:
            piece = b""
        if not piece:
            self._stop_reading()
            self.over = True
        for inlet in list(self.inlets):
            self.inlets[inlet] += piece
            self._feed(inlet)

    def _feed(self, inlet: int) -> None:
        """Give a rank what waits for it."""
        rest = self.inlets[inlet]
        try:
            while rest:
                rest = rest[os.write(inlet, rest) :]
        except BlockingIOError:
            pass
        except OSError:  # it has closed its stdin
            rest = b""
            self._close(inlet)
            return
        blocked = inlet in self.blocked
        self.inlets[inlet] = rest
        if rest and not blocked:
            self.blocked.add(inlet)
            self.poll.register(inlet, select.POLLOUT)
            self._stop_reading()
        elif not rest:
            if blocked:
                self.blocked.discard(inlet)
                self.poll.unregister(inlet)
            if self.over:
                self._close(inlet)
            elif not self.blocked:
                self._start_reading()

    def _close(self, inlet: int) -> None:
        if inlet in self.blocked:
            self.blocked.discard(inlet)
            self.poll.unregister(inlet)
        del self.inlets[inlet]
        os.close(inlet)
        if not (self.blocked or self.over):
            self._start_reading()

    def _start_reading(self) -> None:
        if self.inlets and not (self.reading or self.is_cut):
            self.reading = True
            self.poll.register(0, select.POLLIN)

    def _stop_reading(self) -> None:
        if self.reading:
            self.reading = False
            self.poll.unregister(0)

    def cut(self) -> None:
        """The launcher is gone: hold the ranks' pipes, so that they see no end, and carry nothing any more."""
        self.is_cut = True
        self._stop_reading()
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
