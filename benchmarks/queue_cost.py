"""Measures what a campaign in the queue costs on the login node: until the first qsub, and for each step after it.

    python benchmarks/queue_cost.py FOLDER [-n 100000] [--rounds 5] [--profile]

The site is theta, its scheduler a few scripts that take all jobs, or (for steps) a function in this process.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import os
import platform
import pstats
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(HERE)
sys.path[:0] = [CHECKOUT]

from queue_world import World, write_campaign, write_commands  # noqa: E402  # after the path of the checkout

_TICK = os.sysconf("SC_CLK_TCK")
_SITE = ("--site", "theta", "-A", "project")
_SHAPES = {
    "-j 512: all in one job": ("-j", "512"),
    "-j 4096 --job-nodes 512 --job-time 1h: 17 jobs": ("-j", "4096", "--job-nodes", "512", "--job-time", "1h"),
}


def dry_run(words, root, env):
    """Return the seconds and the seconds of cpu of a dry run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.time()
    argv = [sys.executable, "-m", "hpcmake", "-n", *_SITE, *words]
    subprocess.run(argv, cwd=root, env=env, check=True, stdout=subprocess.DEVNULL)
    wall = time.time() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_qsub(words, root, env):
    """Return the seconds until the first qsub, and those of cpu that the driver and its commands have used by then."""
    told = os.path.join(env["QUEUE_WORLD"], "qsub.calls")
    if os.path.exists(told):
        os.remove(told)
    shutil.rmtree(os.path.join(root, ".hpcmake"), ignore_errors=True)
    began = time.time()
    driver = subprocess.Popen(
        [sys.executable, "-m", "hpcmake", *_SITE, *words],
        cwd=root,
        env=env,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not (os.path.exists(told) and os.path.getsize(told)):
        if driver.poll() is not None:
            sys.exit(f"hpcmake has ended with {driver.returncode} before it called qsub")
        time.sleep(0.02)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    with open(told, encoding="utf-8") as file:
        when, *words = file.read().split()
    used = sum(map(int, words[11:15]))  # utime, stime, and those of children: fields 14 to 17 of proc(5)
    return float(when) - began, used / _TICK


def measure_first(root, rounds):
    """Print how long the first qsub takes beside a dry run, in turn."""
    place = os.path.join(root, "commands")
    write_commands(place)
    env = {**os.environ, "PATH": f"{place}:{os.environ['PATH']}", "PYTHONPATH": CHECKOUT, "QUEUE_WORLD": place}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    campaign = os.path.join(root, "campaign")
    first_qsub(_SHAPES[next(iter(_SHAPES))], campaign, env)  # what is compiled and kept is so now
    for title, words in _SHAPES.items():
        done = {"dry run": [], "until the first qsub": []}
        for _ in range(rounds):
            shutil.rmtree(os.path.join(campaign, ".hpcmake"), ignore_errors=True)
            done["dry run"].append(dry_run(words, campaign, env))
            done["until the first qsub"].append(first_qsub(words, campaign, env))
        shutil.rmtree(os.path.join(campaign, ".hpcmake"), ignore_errors=True)
        print(f"\n{title}\n")
        print_ratios(done)


def print_ratios(done):
    """Print medians of two ways, and the ratio of the second to the first."""
    print("| | wall s | cpu s | least cpu s |\n|---|---|---|---|")
    medians = {}
    for name, runs in done.items():
        medians[name] = [statistics.median(column) for column in zip(*runs, strict=True)]
        medians[name].append(min(run[1] for run in runs))
        print(f"| {name} |", *(f"{value:.2f} |" for value in medians[name]))
    dry, first = medians.values()
    print("| ratio |", *(f"{ours / theirs:.2f} |" for ours, theirs in zip(first, dry, strict=True)), flush=True)


class Clock:
    """Times parts of a step, over several rounds."""

    def __init__(self, profile):
        self.parts = {}
        self.profile = cProfile.Profile() if profile else None

    def time(self, name, call):
        """Call something, and take its time."""
        if self.profile:
            self.profile.enable()
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        spent = time.perf_counter() - wall, time.process_time() - cpu
        if self.profile:
            self.profile.disable()
        self.parts.setdefault(name, []).append(spent)

    def print(self, title):
        """Print medians, and their sum over all parts."""
        print(f"\n{title}\n\n| | wall ms | cpu ms | least cpu ms |\n|---|---|---|---|")
        total = [[sum(column) for column in zip(*each, strict=True)] for each in zip(*self.parts.values(), strict=True)]
        for name, runs in (*self.parts.items(), ("all", total)):
            wall, cpu = (1000 * statistics.median(column) for column in zip(*runs, strict=True))
            print(f"| {name} | {wall:.0f} | {cpu:.0f} | {1000 * min(run[1] for run in runs):.0f} |", flush=True)
        if self.profile:
            pstats.Stats(self.profile).sort_stats("tottime").print_stats(35)


def step(world, clock):
    """Take one step, each part by itself."""
    run = world.run
    clock.time("look", run.look)
    clock.time("pack", run.pack)
    clock.time("submit", run.submit)


def measure_steps(rounds, profile):
    """Print what steps cost in which 1,000 tasks have just finished, and nothing is to be packed."""
    world = World("-j", "512")
    clock = Clock(profile)
    try:
        world.step()
        world.start()
        world.step()
        keys = world.run.board.living()
        tasks = {key: len(world.run.owners.tasks[key]) for key in keys}
        print(f"\n{len(keys)} jobs in the queue: {', '.join(f'{count} tasks' for count in tasks.values())}")
        largest = max(tasks, key=tasks.get)
        for _ in range(rounds):
            world.finish(largest, 1000)
            step(world, clock)
    finally:
        world.close()
    clock.print("1,000 tasks have just finished, nothing is to be packed")


def measure_attaching(rounds, profile):
    """Print what it costs another process to take the campaign over: to plan it, and the step after that."""
    world = World("-j", "512")
    try:
        world.step()
        world.start()
        world.finish(world.run.board.living()[0], 1000)
        jobs = dict(world.cobalt.jobs)
    finally:
        world.close()
    clock = Clock(profile)
    for _ in range(rounds):
        worlds = []
        clock.time("plan", lambda worlds=worlds: worlds.append(World("-j", "512")))
        try:
            worlds[0].cobalt.jobs.update(jobs)
            step(worlds[0], clock)
        finally:
            worlds[0].close()
    clock.print("another process takes the campaign over (as at the end of a job), 1,000 tasks are done")


def measure_repacking(rounds, profile):
    """Print what a step costs in which a job has ended with some 10,000 tasks left, which are packed anew."""
    clock = Clock(profile)
    told = ""
    for _ in range(rounds):
        shutil.rmtree(".hpcmake", ignore_errors=True)
        world = World("-j", "4096", "--job-nodes", "512", "--job-time", "1h")
        try:
            world.step()
            world.start()
            world.step()
            board, tasks = world.run.board, world.run.owners.tasks
            key = max(board.living(), key=lambda key: len(tasks[key]))
            told = f"{len(board.living())} jobs in the queue and {len(world.run.planned)} that wait for places"
            world.finish(key, 1000)
            world.end(key)
            left = len(tasks[key]) - 1000
            step(world, clock)
            told += f"; one ends with {left} tasks left; then {len(board.living())} and {len(world.run.planned)}"
        finally:
            world.close()
    clock.print(f"{told}; all that is in no job is packed anew")


def main():
    """Measure, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("-n", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--only", choices=("first", "steps", "repacking", "attaching"))
    chosen = parser.parse_args()
    root = os.path.abspath(chosen.folder)
    campaign = os.path.join(root, "campaign")
    if not os.path.exists(os.path.join(campaign, "Wfile")):
        os.makedirs(campaign)
        write_campaign(chosen.n, campaign)
    release = ".".join(platform.release().split(".")[:2])
    print(f"{platform.system()} {release}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}\n")
    if chosen.only in {None, "first"}:
        measure_first(root, chosen.rounds)
    os.chdir(campaign)
    gc.set_threshold(50_000, 20, 100)  # as a driver does
    parts = {"steps": measure_steps, "repacking": measure_repacking, "attaching": measure_attaching}
    for name, measure in parts.items():
        if chosen.only in {None, name}:
            shutil.rmtree(".hpcmake", ignore_errors=True)
            measure(chosen.rounds, chosen.profile)


if __name__ == "__main__":
    main()
