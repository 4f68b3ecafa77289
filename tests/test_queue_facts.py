"""What schedulers say of their queues."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcmake.runners.schedulers.queue_facts import QueueFacts, parse_queues
from hpcmake.site import Limit


def test_partitions_of_slurm() -> None:
    text = (
        "batch|4|64|7-00:00:00|1-infinite\nbatch|2|32+|7-00:00:00|1-infinite\nshort|4|64|10:00|1-2\nx|1|4|infinite|1\n"
    )
    assert parse_queues("slurm", text) == {
        "batch": QueueFacts("batch", 604800.0, 6, 32),
        "short": QueueFacts("short", 600.0, 2, 64),
        "x": QueueFacts("x", None, 1, 4),
    }


def test_queues_of_pbs() -> None:
    text = (
        "Queue: debug\n    queue_type = Execution\n    total_jobs = 3\n"
        "    state_count = Transit:0 Queued:0 Held:3 Waiting:0 Running:0 Exiting:0 Begun\n\t:0 \n"
        "    resources_max.nodect = 2\n    resources_max.walltime = 01:00:00\n    resources_min.nodect = 1\n"
        "    max_queued = [u:PBS_GENERIC=3]\n    resources_min.walltime = 00:05:00\n    max_run = [u:PBS_GENERIC=1]\n"
        "    enabled = True\n    started = True\n\n"
        "Queue: closed\n    queue_type = Execution\n    enabled = False\n    started = True\n\n"
    )
    assert parse_queues("pbs", text) == {
        "debug": QueueFacts("debug", 3600.0, 2, shortest=300.0, limits=(Limit("queued", 3), Limit("running", 1))),
        "closed": QueueFacts("closed", state="not enabled"),
    }


def test_queues_of_cobalt() -> None:
    """Cobalt fact 9.3: limits are told by `qstat -Q`, but for nodes against walltime."""
    text = (
        "Name              Users  Groups  MinTime   MaxTime   MaxRunning  MaxQueued  MaxUserNodes  State     \n"
        "==================================================================================================\n"
        "debug-cache-quad  None   None    00:05:00  01:00:00  1           2          8             running   \n"
        "draining          None   None    None      None      None        None       None          draining  \n"
    )
    assert parse_queues("cobalt", text) == {
        "debug-cache-quad": QueueFacts(
            "debug-cache-quad", 3600.0, 8, shortest=300.0, limits=(Limit("running", 1), Limit("queued", 2))
        ),
        "draining": QueueFacts("draining", state="draining"),
    }
    assert parse_queues("cobalt", "component error: Failed to connect\n") == {}


def test_limits_of_projects_in_pbs() -> None:
    text = "Queue: small\n    max_queued = [o:PBS_ALL=500],[p:PBS_GENERIC=100],[u:carol=7]\n"
    assert parse_queues("pbs", text)["small"].limits == (Limit("queued", 100, "project"),)


PIECES = st.sampled_from(
    ["Queue: x\n", "    a = \n", " = ", "\n\t", "a|1|2|3|4\n", "Name  State\n", "=====\n", "x  y\n", "\u0661-3:00"]
)


@pytest.mark.parametrize("scheduler", ["cobalt", "pbs", "slurm"])
@given(text=st.lists(st.one_of(PIECES, st.text(max_size=8))).map("".join))
def test_any_text_is_read(scheduler: str, text: str) -> None:
    assert all(name == queue.name for name, queue in parse_queues(scheduler, text).items())
