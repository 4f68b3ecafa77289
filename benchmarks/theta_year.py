"""A simulated year of one user on Theta: a million tasks by hpcmake and in three naive ways, with the same waits.

Owns the comparison and its tables.  Knows nothing of how a way goes about it.

    python benchmarks/theta_year.py [--tasks N] [--spread N] [--seeds N] [--svg FILE]
"""

from __future__ import annotations

import sys
import time
from statistics import median

from year_campaign import Campaign
from year_hpcmake import Driver
from year_picture import render_picture
from year_queue import HOUR, median_wait
from year_ways import ensembles, one_job_each, one_script

DAY = 24 * HOUR
YEAR = 365 * DAY
WAYS = {
    "hpcmake -j 1280": lambda campaign, slow: Driver(campaign, 1280, slow).run(),
    "hpcmake -j 512": lambda campaign, slow: Driver(campaign, 512, slow).run(),
    "fixed ensembles of 128 nodes": ensembles,
    "one job per task": one_job_each,
    "one script job": one_script,
}


def span(seconds):
    """Return a time in words."""
    return f"{seconds / DAY:,.1f} days" if seconds < YEAR else f"{seconds / YEAR:,.0f} years"


def rounded(hours):
    """Return node-hours with three digits, for people."""
    return f"{float(f'{hours:.3g}'):,.0f}"


def in_a_year(score, work):
    """Return the share of the work that was done in the first year."""
    return sum(hours for hour, hours in score.by_hour.items() if hour < YEAR // HOUR) / work


def waits_table():
    print("Median waits that are assumed, in hours.")
    print("| nodes | 30 m | 3 h | 6 h | 12 h | 24 h |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    longest = {128: 3, 256: 6, 512: 9, 802: 24, 1280: 24, 4100: 24}
    for nodes, most in longest.items():
        cells = [
            f"{median_wait(nodes, hours * HOUR) / HOUR:.1f}" if hours <= most else "" for hours in (0.5, 3, 6, 12, 24)
        ]
        print(f"| {nodes:,} | {' | '.join(cells)} |")


def year_table(count, seed):
    """Print what each way comes to, and return the lines of the picture with the work of all tasks."""
    campaign = Campaign(count, seed)
    print(f"\n{campaign.count:,} tasks (seed {seed}), {campaign.work:,.0f} node-hours of work: {campaign.counts}")
    print("| way | until the end | done in a year | charged | idle | jobs | mean wait | planning | simulated in |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    lines = []
    for name, way in WAYS.items():
        before = time.process_time()
        score = way(campaign, 1.0)
        took = time.process_time() - before
        done = in_a_year(score, campaign.work)
        planning = f"{score.planning:.1f} s, {score.plans} plans" if score.plans else ""
        print(
            f"| {name} | {span(score.end)} | {done:.1%} | {rounded(score.charged)} | {rounded(score.idle)} "
            f"({score.idle / score.charged:.0%}) | {score.jobs:,} | {score.waited / score.jobs / HOUR:.1f} h "
            f"| {planning} | {took:.0f} s |",
            flush=True,
        )
        lines.append((name, f"{span(score.end)}, {rounded(score.charged)} node-hours", score.by_hour))
    return lines, campaign.work


def spread_table(count, seeds):
    """Print how much all this varies, and how it follows the waits."""
    campaigns = [Campaign(count, seed) for seed in range(1, seeds + 1)]
    print(f"\n{count:,} tasks, seeds 1 to {seeds}: median (least to most); waits a quarter, as assumed, four times.")
    print("| way | waits | days until the end | charged ÷ work | jobs |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, way in WAYS.items():
        for slow in (0.25, 1.0, 4.0):
            scores = [way(campaign, slow) for campaign in campaigns]
            days = [score.end / DAY for score in scores]
            cost = [score.charged / campaign.work for score, campaign in zip(scores, campaigns, strict=True)]
            jobs = [score.jobs for score in scores]
            print(
                f"| {name} | × {slow:g} | {of(days, '.1f')} | {of(cost, '.2f')} | {of(jobs, '.0f')} |",
                flush=True,
            )


def of(values, form):
    """Return the median of some values, the least and the most."""
    return f"{median(values):,{form}} ({min(values):,{form}} to {max(values):,{form}})"


def option(name, usual):
    """Return what the command line says of an option."""
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else usual


def main():
    waits_table()
    lines, work = year_table(int(option("--tasks", "1000000")), 1)
    svg = option("--svg", None)
    if svg:
        with open(svg, "w", encoding="utf-8") as file:
            file.write(render_picture(lines, work))
    spread_table(int(option("--spread", "100000")), int(option("--seeds", "10")))


if __name__ == "__main__":
    main()
