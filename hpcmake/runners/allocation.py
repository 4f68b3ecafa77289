"""Runs attempts on the nodes that we hold, until their time is over.

Owns the attempts that were handed out, and the way of each: to a node, to several, or to the machine of the script.
Knows nothing of which attempts there are, nor of what follows; where each goes is decided by its placement.
"""

from __future__ import annotations

import os
import sys
from math import inf

from hpcmake.model import Began, Cut, Ended, Halted, Noted
from hpcmake.runners.doubts import Doubts
from hpcmake.runners.faults import BEAT, BEAT_EVERY
from hpcmake.runners.host import Host
from hpcmake.runners.local import name_run
from hpcmake.runners.members import Members
from hpcmake.runners.orders import Drop, Give, Recall, Retire, Serve, Spread
from hpcmake.runners.placement import Placement
from hpcmake.runners.rows import ABOUT_ATTEMPTS, parse_end
from hpcmake.runners.work import Work

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from hpcmake.model import Attempt, Event, Resources
    from hpcmake.runners.channels import Channel
    from hpcmake.runners.doors import Doors
    from hpcmake.runners.orders import Order, Rules, Spot

_ASK_EVERY = 60.0  # seconds after which a node is asked for what it has not told
_ASK_AT_ONCE = 100


class AllocationRunner:
    """A `Runner` (see model.py) for the nodes of one job.

    `spots` are the nodes, `rules` what the site says of launches, `left` the seconds for which anything may run (`inf`:
    no end is known).  `spread` gives the words that start a task with nodes on exactly those.  `shells` is how many
    shells may run on the machine of the script, `latency` the seconds that a file may take to be seen on another node,
    and `grain` the ns in whole multiples of which its mtime is compared.
    """

    def __init__(  # noqa: PLR0913  # all are named by whoever calls
        self,
        doors: Doors,
        *,
        root: str,
        logs: str,
        mark: str,
        spots: Sequence[Spot],
        rules: Rules,
        spread: Callable[[Resources, Sequence[str]], Sequence[str]],
        left: float = inf,
        shells: int = 64,
        grace: float = 5.0,
        latency: float = 0.0,
        grain: int = 1,
    ) -> None:
        self.doors = doors
        self.logs = logs
        self.began_at = doors.now()
        self.placement = Placement(spots, rules, end=self.began_at + left)
        self.events_ready: list[Event] = []
        self.works: dict[int, Work] = {}
        name = name_run()
        self._grace = grace
        self._start = {
            "root": os.path.abspath(root),
            "logs": logs,
            "name": name,
            "mark": mark,
            "cores": 1,
            "memory": 0,
            "gpus": 0,
            "grace": grace,
            "beat": BEAT,
            "tell": BEAT_EVERY,
            "look": 0.2,
            "scrub": True,
            "spool": True,
            "latency": latency,
            "grain": grain,
            "encoding": sys.getfilesystemencoding(),
        }
        os.makedirs(os.path.join(root, logs), exist_ok=True)
        self.members = Members(self, name)
        # whoever watches a task with nodes can read what it has written until now
        start = {**self._start, "cores": shells, "beat": 0, "tell": 0, "scrub": False, "spool": False, "distant": True}
        self.host = Host(self, doors.host(start), name, spread)
        self.stop_why = ""
        """Why what runs is being ended."""
        self._doubts = Doubts()
        self._paused = False
        self._closed = ""
        """Why nothing more is begun."""
        self._next_beat = self.began_at + BEAT_EVERY
        self._next_ask = self.began_at + _ASK_EVERY

    # ------------------------------------------------------------ what the engine says

    def wants(self) -> int:
        """Return how many attempts more should be handed out, so that no node waits for them."""
        if self._closed or self._paused:
            return 0
        waiting = self.placement.waiting
        nodes = max(1, self.placement.usable)
        if waiting.load < nodes:
            share = waiting.load / len(waiting) if len(waiting) else 1 / 64
            return max(512, min(20_000, int((nodes - waiting.load) / share)))
        # nothing of what waits fits into what is free: perhaps something else does
        return 512 if len(waiting) < 20_000 and self.placement.has_idle() else 0  # noqa: PLR2004

    def more(self, attempts: Sequence[Attempt]) -> None:
        """Queue attempts; each begins when there is a place for it."""
        queued: list[Attempt] = []
        for attempt in attempts:
            if attempt.id in self.works:
                continue
            work = self.works[attempt.id] = Work(attempt)
            if self._closed or self._paused:
                self.cut(work, self._closed or "forgotten")
            else:
                queued += self._prepare(work)
        self.placement.queue(queued)
        self._turn(self.doors.now())

    def _queue(self, work: Work) -> None:
        self.placement.queue(self._prepare(work))

    def _prepare(self, work: Work) -> tuple[Attempt, ...]:
        """Return what of an attempt waits for a node; what is for the machine of the script is begun."""
        attempt = work.attempt
        work.part, work.number, work.nodes, work.place = attempt, attempt.id, (), None
        if work.ran is not None or attempt.only_post or (attempt.argv is None and not attempt.script):
            self.host.run(work, attempt.replace(only_post=True) if work.ran is not None else attempt)
            return ()
        if attempt.post and not attempt.resources.width:
            # what follows a run is light work, and not for the nodes
            work.part = attempt.replace(post="", outputs=attempt.outputs if self._start["latency"] else ())
        return (self.members.as_allowed(work.part),)

    def forget(self, ids: Iterable[int]) -> None:
        """Take attempts back that have not begun; each answers Cut(why="forgotten")."""
        for id_ in ids:
            work = self.works.get(id_)
            if work is None or work.began is not None:
                continue
            work.recalled = True
            if self.placement.waiting.take_back(id_):
                self.cut(work, "forgotten")
            elif work.place is not None:
                self._tell(work, ["forget", work.number])
            elif id_ in self.placement.placed:  # its nodes are being emptied
                self.placement.ended(id_)
                self.cut(work, "forgotten")

    def resume(self) -> None:
        """Begin again what is handed out from now on, after the failure of an attempt that `holds`."""
        self._paused = False
        self._tell_all(["resume"])

    def drain(self) -> None:
        """Begin nothing more; what has not begun answers Cut(why="stop")."""
        self._close("stop")
        self._tell_all(["drain"])

    def stop(self, how: str, why: str = "stop") -> None:
        """End what runs: `term` asks, and kills after a grace; `kill` kills at once.  Each answers Cut(why)."""
        self.stop_why = self.stop_why or why
        self._close(self.stop_why)
        self._tell_all(["stop", how])
        self._next_ask = self.doors.now() + self._grace + 1
        for work in (*self.members.take_stranded(), *self.host.take_later(), *self._doubts.take_all()):
            self.placement.ended(work.attempt.id)
            self.cut(work, self.stop_why, 0.001)

    def abandon(self) -> None:
        """The machine of the script can start nothing any more: let all go."""
        self.members.end_all()
        self.works.clear()
        self._closed = "stop"

    def close(self) -> None:
        """End the runner; what still runs is killed."""
        self.members.end_all()
        self.doors.close()

    def _close(self, why: str) -> None:
        self._closed = self._closed or why
        for attempt in list(self.placement.waiting.take_all()):
            self.cut(self.works[attempt.id], why)
        for id_, placed in list(self.placement.placed.items()):
            if placed.reserved:
                self.placement.ended(id_)
                self.cut(self.works[id_], why)

    def _tell_all(self, words: list[object]) -> None:
        self.host.channel.say(None, words)
        self.members.tell_all(words)

    def _tell(self, work: Work, words: list[object]) -> None:
        if work.place is not None:
            self.members.say_to(work.place, words)

    # ------------------------------------------------------------ what it answers

    def events(self, timeout: float | None) -> list[Event]:
        """Wait for events, at most `timeout` seconds (None: without end); empty if none came, or a signal did."""
        doors = self.doors
        until = inf if timeout is None else doors.now() + timeout
        while True:
            now = doors.now()
            self._turn(now)
            if self.events_ready or now >= until:
                break
            wake = min(until, self._wake(now))
            if doors.wait(None if wake == inf else max(0.0, wake - now)):
                break
            for channel in doors.ready():
                if channel is self.host.channel:
                    self.host.hear()
                else:
                    self.members.hear(channel)
        events, self.events_ready = self.events_ready, []
        return events

    def _wake(self, now: float) -> float:
        return min(
            self._next_beat,
            self._next_ask,
            self.placement.wake(now) if not self._closed else inf,
            self.placement.end if not self.stop_why else inf,
            self.members.wake(now),
            self.host.wake(),
            self._doubts.wake(),
        )

    def _turn(self, now: float) -> None:
        """Do what is due."""
        if now >= self.placement.end and not self.stop_why:
            text = "the time of this job is over: what runs is ended, and will be run again"
            self.halt("deadline", text if self.works else "")
            self.stop("term", "deadline")
        if now >= self._next_beat:
            self._next_beat = now + BEAT_EVERY
            self.members.beat(now)
        if now >= self._next_ask:
            self._next_ask = now + (_ASK_EVERY if not self.stop_why else 1.0)
            self._ask(now)
        self.members.look(now)
        self.host.look(now)
        for work, ended in self._doubts.take_due(now):
            self._on_sure_end(work, ended)
        if self._closed and len(self.placement.waiting):
            self._close(self._closed)  # it has come back from a node since
        if not self._closed and not self._paused:
            for order in self.placement.decide(now):
                self._carry_out(order, now)
        self.members.flush()

    def halt(self, why: str, text: str) -> None:
        """Begin nothing more, and say so."""
        if not self._closed:
            self._close("deadline" if why == "deadline" else "stop")
            self.events_ready.append(Halted(why, text))

    def note(self, text: str) -> None:
        """Tell the user something."""
        self.events_ready.append(Noted(text))

    def _carry_out(self, order: Order, now: float) -> None:
        if isinstance(order, Give):
            self.members.give(order.node, [self.works[attempt.id] for attempt in order.attempts], now)
        elif isinstance(order, Serve):
            self.members.serve(order.launch, order.nodes, self._start, now)
        elif isinstance(order, Retire):
            self.members.retire(order.launch)
        elif isinstance(order, Spread):
            self.host.spread(self.works[order.attempt.id], order.nodes)
        elif isinstance(order, Drop):
            self.cut(self.works[order.id], order.why)
        elif isinstance(order, Recall):
            for id_ in order.ids:
                self._tell(self.works[id_], ["forget", id_])

    # ------------------------------------------------------------ answers

    def take(self, row: list[Any], place: tuple[Channel, int], now: float, *, node: str, logs: str) -> None:
        """Take an answer about an attempt from where it is."""
        kind = row[0]
        try:
            if kind == "w":
                self.note(f"{node}: {row[1]}")
            work = self.works.get(row[1]) if kind in ABOUT_ATTEMPTS else None
            if work is None or work.place != place:
                return  # it was told before, or is of no concern any more
            if kind == "b":
                self._on_began(work, now)
            elif kind == "s":
                work.stamps = [*(work.stamps or ()), *row[2:]]
            elif kind == "e":
                own, at = work.attempt.log, now - self.began_at
                self._on_ended(work, parse_end(row, work.stamps, node=node, logs=logs, own=own, at=at))
            elif kind == "c":
                self._on_cut(work, str(row[2]), float(row[3]))
            else:
                self._tell(work, ["more", work.row()])  # it has never arrived
        except (ValueError, TypeError, IndexError):
            return

    def _on_began(self, work: Work, now: float) -> None:
        self.placement.began(work.attempt.id, now)
        if work.began is None:
            work.began = now
            self.events_ready.append(Began(work.attempt.id, now - self.began_at))

    def _on_ended(self, work: Work, ended: Ended) -> None:
        work.stamps = None
        if work.nodes and self.host.excuse(work, ended):
            return
        if ended.status == 0 or not self._doubts.is_one(ended):
            self._on_sure_end(work, ended)
        elif self.stop_why:
            self._on_cut(work, self.stop_why, ended.wall)
        else:
            self._doubts.keep(work, ended, self.doors.now())

    def _on_sure_end(self, work: Work, ended: Ended) -> None:
        attempt = work.attempt
        if work.ran is None:
            self.placement.ended(attempt.id, ended.wall if ended.status == 0 else None)
        succeeded = ended.status == 0 and ended.why == "exit"
        if work.ran is not None:
            ran = work.ran
            log = ended.log if not succeeded or ran.log is None else ran.log
            why = "post" if not succeeded and ended.why == "exit" else ended.why
            ended = ended.replace(
                why=why,
                wall=ran.wall + ended.wall,
                cpu=ran.cpu + ended.cpu,
                rss=max(ran.rss, ended.rss),
                log=log,
                node=ran.node,
                strays=ran.strays + ended.strays,
            )
        elif succeeded and attempt.post and not work.part.post and not attempt.only_post:
            work.ran = ended
            made = [(path, *stamp) for path, stamp in zip(attempt.outputs, ended.stamps, strict=False) if stamp]
            self.host.run(work, attempt.replace(only_post=True, needs=(*attempt.needs, *made)))
            return
        del self.works[attempt.id]
        self.events_ready.append(ended)
        if attempt.holds and (not succeeded or None in ended.stamps):
            self._pause()

    def _pause(self) -> None:
        """An attempt has failed that stops the run, if the engine says so: begin nothing until it has said."""
        self._paused = True
        self.forget([id_ for id_, work in self.works.items() if work.began is None])

    def _on_cut(self, work: Work, why: str, elapsed: float) -> None:
        if why == "term" and work.place is not None:
            self.end_doubts(work.place[0], why)
        self.placement.ended(work.attempt.id)
        work.place = None
        was_taken_back = why == "forgotten" and not (work.recalled or self._paused)
        if was_taken_back or (why == "node" and work.began is None):
            self._queue(work)
        else:
            self.cut(work, self.stop_why or why, elapsed)

    def end_doubts(self, channel: Channel, why: str) -> None:
        """What seemed to have failed in a launch was ended with it."""
        for work in self._doubts.take_of(channel):
            self.placement.ended(work.attempt.id)
            self.cut(work, self.stop_why or why, 0.001)

    def cut(self, work: Work, why: str, elapsed: float = 0.0) -> None:
        """Answer that an attempt was ended, or will not begin."""
        del self.works[work.attempt.id]
        self.events_ready.append(Cut(work.attempt.id, why, elapsed))

    def _ask(self, now: float) -> None:
        """Ask nodes about attempts of which nothing was heard for long: an answer may have been lost on its way."""
        asked: dict[tuple[Channel, int], list[int]] = {}
        for work in self.works.values():
            if work.place is not None and (self.stop_why or now - work.told >= _ASK_EVERY / 2):
                asked.setdefault(work.place, []).append(work.number)
        for place, ids in asked.items():
            for at in range(0, len(ids), _ASK_AT_ONCE):
                self.members.say_to(place, ["ask", *ids[at : at + _ASK_AT_ONCE]])
