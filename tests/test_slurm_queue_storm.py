"""A campaign survives any sequence of kills: of who drives it, its jobs, its nodes and the controller.

What happens is drawn from a seed, which is told.  `HPCMAKE_STORM` says for how many seconds (180), `HPCMAKE_STORM_SEED`
with which seed the first campaign is tried; each further one has the next.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from select import select
from typing import TYPE_CHECKING

import psutil
from slurm.campaign import kill, traced
from slurm.queue import Queued, own_cluster, queued
from slurm.together import side_by_side

if TYPE_CHECKING:
    from slurm.campaign import Slurm
    from slurm.driver import Driver

SECONDS = float(os.environ.get("HPCMAKE_STORM", "180"))
SEED = int(os.environ.get("HPCMAKE_STORM_SEED") or time.time() % 100_000)
NODES = 5
LONGEST = 60
"""Seconds after which a campaign is left in peace."""
CALLS = 12
"""So often hpcmake is called when all is well again: it may rightly give up, after kills that look like its user's fault."""

WFILE = f"""
    target all: "end"
    rule first:
        output: "a/{{i}}"
        time: 1m
        run: {traced('sleep "0.$((RANDOM % 10))"')}; echo "{{i}}" >{{output}}
    rule list:
        input: "a/{{i}}" for i in 1..40
        produces: "lists/{{i}}"
        time: 1m
        run: sleep "${{NAP:-1}}"; for i in $(seq 30); do echo "$i" >lists/$i; done
    rule second:
        input: "lists/{{i}}"
        output: "b/{{i}}"
        time: 1m
        cores: 2
        run: {traced('sleep "${NAP:-1.$((RANDOM % 10))}"')}; cat {{input}} {{input}} >{{output}}
    rule end:
        input: "b/{{i}}" for each "lists/{{i}}"
        output: "end"
        time: 1m
        run: cat {{input}} | sort -n >{{output}}
    """
TASKS = 40 + 1 + 30 + 1
OPTIONS = ("--retries", "3", "--job-time", "150s", "--job-nodes", "2")


class Storm:
    """What happens to a campaign, drawn from a seed; `told` is what has happened."""

    def __init__(self, campaign: Queued, seed: int) -> None:
        self.campaign = campaign
        self.cluster = campaign.slurm.cluster
        self.draw = random.Random(seed)
        self.began = time.monotonic()
        self.told = [f"seed {seed}"]
        self.crashed: list[str] = []
        self.controller = "runs"
        self.acts = {
            self.start: 5,
            self.start_detached: 1,
            self.kill_driver: 3,
            self.interrupt_driver: 1,
            self.kill_runner: 2,
            self.kill_launch: 1,
            self.delete_job: 2,
            self.crash_or_boot: 1,
            self.disturb_controller: 1,
        }

    def tell(self, words: str) -> None:
        """Note what happens, and when."""
        self.told.append(f"{time.monotonic() - self.began:6.1f} {words}")
        print(self.told[-1], file=sys.stderr)

    def rage(self, end: float) -> None:
        """Let things happen until some time of the monotonic clock, or until the campaign is done."""
        self.start()
        while time.monotonic() < end and not (self.campaign.root / "end").exists():
            select([], [], [], self.draw.uniform(0.2, 4.0))
            self.draw.choices(list(self.acts), list(self.acts.values()))[0]()

    def calm(self) -> None:
        """Mend all that is broken, and let the campaign end."""
        if self.controller != "runs":
            self.disturb_controller()
        while self.crashed:
            self.boot()
        self.tell("all is well again")
        for driver in self.drivers():
            self.tell(f"the driver has ended with {driver.end()}")
        for _ in range(CALLS):
            status = self.campaign.start(*OPTIONS).end()
            self.tell(f"hpcmake has ended with {status}")
            assert status in {0, 1, 3}
            if status == 0:
                return
        raise AssertionError(f"it is not done after {CALLS} calls")

    def drivers(self) -> list[Driver]:
        """Return those that drive, or try to."""
        return [each for each in self.campaign.drivers if not each.has_ended]

    def find(self, wanted: str) -> list[psutil.Process]:
        """Return the processes of the campaign whose command has this in its first words."""
        found = []
        for each in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = " ".join(each.cmdline()[:2])
                if wanted in words and each.cwd() == str(self.campaign.root):
                    found.append(each)
        return sorted(found, key=lambda each: each.pid)

    def ask(self, *command: str) -> str:
        """Run a command where users log in; it may fail, or take too long."""
        words = self.cluster.words(*command)
        with contextlib.suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                words, env=self.cluster.environment, capture_output=True, text=True, timeout=5, check=False
            )
            return done.stdout
        return ""

    # ------------------------------------------------------------ what happens

    def start(self) -> None:
        """Start a driver; there may be one already."""
        if len(self.drivers()) < 2:
            self.tell("hpcmake")
            self.campaign.start(*OPTIONS)

    def start_detached(self) -> None:
        """Let the jobs carry it on."""
        if len(self.drivers()) < 2:
            self.tell("hpcmake --detach")
            self.campaign.start(*OPTIONS, "--detach", "--budget", "1000")

    def kill_driver(self) -> None:
        """Kill who drives."""
        for driver in self.drivers():
            self.tell("a driver is killed")
            driver.kill()

    def interrupt_driver(self) -> None:
        """Press Ctrl-C."""
        for driver in self.drivers():
            self.tell("a driver is interrupted")
            driver.send(signal.SIGINT)

    def kill_runner(self) -> None:
        """Kill what runs a batch, or hands over."""
        self._kill("/.hpcmake/bin/", "what a job runs")

    def kill_launch(self) -> None:
        """Kill an srun."""
        self._kill("srun", "an srun")

    def _kill(self, wanted: str, name: str) -> None:
        found = self.find(wanted)
        if found:
            self.tell(f"{name} is killed")
            with contextlib.suppress(ProcessLookupError):
                kill(self.draw.choice(found))

    def delete_job(self) -> None:
        """Delete a job that waits or runs."""
        found = self.ask("squeue", "-h", "-p", self.campaign.queues[0], "-o", "%i").split()
        if found:
            job = self.draw.choice(sorted(found))
            self.tell(f"job {job} is deleted")
            self.ask("scancel", job)

    def crash_or_boot(self) -> None:
        """Switch a node off at once, or on again."""
        if len(self.crashed) >= 2:
            self.boot()
        else:
            node = self.draw.choice([each for each in self.cluster.names if each not in self.crashed])
            self.tell(f"{node} crashes")
            self.cluster.crash(node)
            self.crashed.append(node)

    def boot(self) -> None:
        """Switch a node on again."""
        node = self.crashed.pop(0)
        self.tell(f"{node} is booted")
        self.cluster.boot(node)

    def disturb_controller(self) -> None:
        """End, kill or freeze the controller; if it is so, mend it."""
        if self.controller == "runs":
            self.controller = self.draw.choice(["ended", "killed", "frozen"])
            self.tell(f"the controller is {self.controller}")
            if self.controller == "frozen":
                self.cluster.freeze_controller()
            else:
                self.cluster.stop_controller(signal.SIGTERM if self.controller == "ended" else signal.SIGKILL)
        else:
            if self.controller == "frozen":
                self.cluster.thaw_controller()
            else:
                self.cluster.start_controller()
            self.controller = "runs"
            self.tell("the controller runs")


@side_by_side()
def test_a_campaign_survives_whatever_is_killed_and_does_nothing_twice(slurm: Slurm) -> None:
    last = time.monotonic() + SECONDS
    with own_cluster(slurm, "queue-storm", nodes=NODES, partitions=int(SECONDS) // 20 + 2) as own:
        for number in range(10_000):
            campaign = queued(own, f"storm{number}", WFILE, places=4, widest=2)
            storm = Storm(campaign, SEED + number)
            try:
                storm.rage(time.monotonic() + LONGEST)
                storm.calm()
                campaign.assert_it_ended_well(TASKS)
            except (AssertionError, TimeoutError) as problem:
                raise AssertionError("\n".join([*storm.told, str(problem)[-20_000:], campaign.told()])) from None
            if time.monotonic() + LONGEST > last:
                break
