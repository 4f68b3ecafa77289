"""How the jobs of a campaign stand, by their files and one look at the queue: what the verbs tell from any machine.

Owns that look, which needs no lease and writes nothing.  Knows nothing of plans, nor of how it is told.
"""

from __future__ import annotations

import os
import time

from hpcmake.app.placing import run_command
from hpcmake.app.queue.board import find_user
from hpcmake.app.queue.charter import read_charter
from hpcmake.diagnostics import Trouble
from hpcmake.jobs.fates import Over, Queued, Running, Unclear
from hpcmake.jobs.folder import list_folders
from hpcmake.jobs.marks import is_stopped
from hpcmake.jobs.papers import Receipt
from hpcmake.jobs.polling import Sight, ask, find_job, look
from hpcmake.jobs.recall import Ended, committed
from hpcmake.jobs.settled import read_settled
from hpcmake.jobs.watch import Watch, judge, with_place
from hpcmake.jobs.watchers import Live
from hpcmake.journal import FOLDER
from hpcmake.record import Record
from hpcmake.runners.keys import parse_key
from hpcmake.runners.schedulers.jobs import QUEUED, DoNotKnow
from hpcmake.runners.schedulers.scheduler import find_scheduler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hpcmake.app.queue.charter import Charter
    from hpcmake.jobs.fates import Fate
    from hpcmake.jobs.folder import JobFolder, Reading
    from hpcmake.jobs.papers import Intent
    from hpcmake.jobs.polling import Call
    from hpcmake.jobs.settled import Settled
    from hpcmake.runners.schedulers.jobs import JobState
    from hpcmake.runners.schedulers.scheduler import Scheduler
    from hpcmake.site import Site

PATIENCE = 30.0
"""Seconds that a scheduler's command may take when somebody waits for the answer at a terminal."""

REFUSED = "refused:"
"""Why a key was closed begins so where the scheduler will never take its job."""

_NOT_ASKED = DoNotKnow("its scheduler was not asked")


class Ask(Record):
    """What one scheduler has told: its site (None: nobody knows it any more), and what was seen."""

    name: str
    site: Site | None
    scheduler: Scheduler | None
    sight: Sight

    @property
    def silence(self) -> str:
        """Why it has told nothing; empty if it has."""
        return self.sight.jobs.text if isinstance(self.sight.jobs, DoNotKnow) else ""


class Standing:
    """The jobs of a campaign as of now.

    `fates` are those of all jobs that are not settled, by key, in the order of their numbers; of these `readings`,
    `folders` and `intents` are known too.  `settled` are all others.  `asks` are the schedulers that were asked, by the
    names of their sites.
    """

    def __init__(self, call: Call, environ: Mapping[str, str], now: float) -> None:
        self.now = now
        self.user = find_user()
        self.charter: Charter | None = read_charter()
        self.is_stopped = is_stopped(FOLDER)
        self.settled: dict[str, Settled] = read_settled(FOLDER)
        self.folders: dict[str, JobFolder] = {}
        self.readings: dict[str, Reading] = {}
        self.intents: dict[str, Intent] = {}
        self.fates: dict[str, Fate] = {}
        self.asks: dict[str, Ask] = {}
        self._call = call
        self._environ = environ

    # ------------------------------------------------------------ looking

    def look(self, *, places: bool, also: Collection[str] = ()) -> None:
        """Look at all: the folders, then the queue, then once more the folders of jobs that may live.

        With `places`, the queues in which jobs stand are asked for all users' jobs.  The queue is asked for jobs that
        live by their files, and for those in `also`.  Raises Trouble.
        """
        self.asks = {}
        for folder in list_folders(FOLDER):
            if folder.key not in self.settled:
                self._take(folder, folder.read())
        living = [key for key, reading in self.readings.items() if self._judge_alone(key, reading).is_living]
        open_ = [key for key in self.readings if key in living or key in also] if also else living
        for name in dict.fromkeys(self.site_of(key) for key in open_):
            keys = [key for key in open_ if self.site_of(key) == name]
            self.asks[name] = self._ask(name, [job for key in keys if (job := self.readings[key].job)])
            for key in keys:  # what a job writes last is then never missed
                self._take(self.folders[key], self.folders[key].read())
            self._judge(keys, self.asks[name])
            if places:
                self._place(keys, self.asks[name])

    def _take(self, folder: JobFolder, reading: Reading) -> None:
        self.folders[folder.key] = folder
        self.readings[folder.key] = reading
        if reading.intent is not None:
            self.intents[folder.key] = reading.intent

    def _judge_alone(self, key: str, reading: Reading) -> Fate:
        self.fates[key] = judge(reading, _NOT_ASKED, None, None, 0.0).fate
        return self.fates[key]

    def _ask(self, name: str, ids: list[str]) -> Ask:
        site = self.find_site(name)
        scheduler = find_scheduler(site.scheduler) if site is not None else None
        if site is None or scheduler is None:
            return Ask(name, None, None, Sight(DoNotKnow(f"no site is known as {name}" if name else "no site is told")))
        return Ask(name, site, scheduler, look(scheduler, self.user, ids, self._call, timeout=PATIENCE))

    def find_site(self, name: str) -> Site | None:
        """Return the site of jobs; None if its file is gone, or has mistakes."""
        from hpcmake.sites import read_site

        words = [name]
        if self.charter is not None:
            words.insert(0, str(self.charter.values.get("site", "")))
        for word in filter(None, words):
            try:
                site = read_site(word, self._environ)
            except Trouble:
                continue
            if site.name == name:
                return site
        return None

    def _judge(self, keys: list[str], asked: Ask) -> None:
        sight = asked.sight
        pairs: list[tuple[JobFolder, Reading]] = []
        for key in keys:
            reading = self.readings[key]
            named = self._find_named(key, sight) if not reading.job and reading.intent is not None else None
            if named is not None:
                reading = reading.replace(receipt=Receipt(key, named.id))
                self.readings[key] = reading
            pairs.append((self.folders[key], reading))
        self.fates.update(Watch(time.monotonic).settle(pairs, sight))
        for key in keys:
            fate = self.fates[key]
            if isinstance(fate, Unclear) and not asked.silence:
                self.fates[key] = fate.replace(text="it is not in the queue, and may come yet")

    @staticmethod
    def _find_named(key: str, sight: Sight) -> JobState | None:
        if isinstance(sight.jobs, DoNotKnow):
            return None
        return next((each for each in sight.jobs.values() if each.name == key and each.in_queue), None)

    def _place(self, keys: list[str], asked: Ask) -> None:
        """Find the places of jobs among those of all users, by one more look at each queue in which any could start."""
        waiting = [
            (key, fate)
            for key in keys
            if isinstance(fate := self.fates[key], Queued) and fate.state is not None and fate.state.state == QUEUED
        ]
        for queue in dict.fromkeys(fate.state.queue for _, fate in waiting if fate.state is not None):
            words = asked.scheduler.render_poll_queue(queue) if asked.scheduler is not None and queue else None
            if asked.scheduler is None or words is None:
                continue
            everybody = asked.scheduler.parse_poll(*ask(self._call, words, PATIENCE))
            if not isinstance(everybody, DoNotKnow):
                for key, fate in waiting:
                    if fate.state is not None and fate.state.queue == queue:
                        self.fates[key] = with_place(fate, everybody.values())

    # ------------------------------------------------------------ what follows

    def site_of(self, key: str) -> str:
        """Return the name of the site of a job."""
        intent = self.intents.get(key)
        return intent.site if intent is not None else ""

    def living(self) -> list[str]:
        """Return the keys of jobs that may still work their batches, as far as can be told from here."""
        return [key for key, fate in self.fates.items() if fate.is_living and not self.is_gone(key)]

    def is_gone(self, key: str) -> bool:
        """Tell whether a job's scheduler shows it no more, though it has told no end."""
        fate = self.fates[key]
        if isinstance(fate, Unclear) or not fate.job or self.site_of(key) not in self.asks:
            return False
        return self.asks[self.site_of(key)].sight.state(fate.job) is None

    def unfinished(self) -> list[str]:
        """Return the keys of jobs that are to be told of: they live, or their end is not told yet."""
        return [key for key, fate in self.fates.items() if fate.is_living]

    def ask_site(self, site: Site) -> Ask:
        """Ask the scheduler of a site, if that was not done yet."""
        if site.name not in self.asks:
            self.asks[site.name] = self._ask(site.name, [])
        return self.asks[site.name]

    def settled_fates(self) -> dict[str, Fate]:
        """Return what has become of jobs that were settled."""
        return {
            key: Over(key, each.job, each.text, exit=each.exit, why=each.why, told=each.exit is not None)
            for key, each in self.settled.items()
        }

    def ended(self) -> list[Ended]:
        """Return the jobs of this run that were settled, as it is judged by them whether jobs work here at all."""
        fates = self.settled_fates()
        return [
            Ended(key, fates[key], each.site, each.setup, each.records, each.role)
            for key, each in self.settled.items()
            if self.of_run(key)
        ]

    def refusal(self) -> str | None:
        """Return what the scheduler has said of this run's last job, if it refused that for good."""
        over = {**self.settled_fates(), **self.fates}
        last = max(filter(self.of_run, over), default=None)
        text = over[last].text if last is not None and isinstance(over[last], Over) else ""
        return text.removeprefix(REFUSED).strip() if text.startswith(REFUSED) else None

    def of_run(self, key: str) -> bool:
        """Tell whether a job was submitted for what the campaign is asked for now."""
        parsed = parse_key(key)
        return self.charter is None or (parsed is not None and parsed.sequence >= self.charter.first)

    def spent(self) -> float:
        """Return the node-hours that jobs of this run were charged, or may be."""
        before = sum(each.spent for each in self.settled.values() if self.of_run(each.key))
        return before + committed(
            (self.intents[key], fate, self.readings[key].status)
            for key, fate in self.fates.items()
            if key in self.intents and self.of_run(key)
        )

    def parents(self, key: str) -> list[str]:
        """Return the keys of jobs that live, and for which a job waits."""
        intent = self.intents.get(key)
        return [each for each in intent.parents if each in self.fates and each in self.living()] if intent else []

    def live(self) -> list[Live]:
        """Return the living jobs as it is told of them whether the campaign goes on by them."""
        found = []
        for key in self.living():
            fate, intent = self.fates[key], self.intents.get(key)
            state = fate.state if isinstance(fate, Queued | Running) else None
            shown = state.state if state is not None else "running" if isinstance(fate, Running) else QUEUED
            stuck = state.stuck if state is not None else False
            role, parents = (intent.role, intent.parents) if intent is not None else ("work", ())
            found.append(Live(key, parents, role, shown, stuck=stuck))
        return found

    def after(self) -> tuple[str, ...]:
        """Return the kinds of dependencies that the scheduler has."""
        kinds = [each.scheduler.AFTER for each in self.asks.values() if each.scheduler is not None]
        return kinds[0] if kinds else ("ok",)

    def ask_for(self, job: str) -> bool | None:
        """Tell whether a job that holds the lease is in the queue still; None if nobody knows."""
        name = next((self.site_of(key) for key, each in self.readings.items() if each.job == job), None)
        if name is None:
            name = next((each.site for each in self.settled.values() if each.job == job), None)
        if name is None:
            return None  # it may be of another scheduler
        if name not in self.asks:
            self.asks[name] = self._ask(name, [job])  # it has done its work, and hands over
        sight = self.asks[name].sight
        shown = None if isinstance(sight.jobs, DoNotKnow) else find_job(sight.jobs, job)
        if shown is not None:
            return shown.in_queue
        return False if not self.asks[name].silence else None


def find_standing(call: Call | None = None, *, places: bool = False) -> Standing | None:
    """Return how the jobs of this campaign stand; None if it never had any.  Raises Trouble."""
    if not list_folders(FOLDER):
        return None
    standing = Standing(call or run_command, os.environ, time.time())
    standing.look(places=places)
    return standing
