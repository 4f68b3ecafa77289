"""The emulated Cobalt answers the commands of the captures as the real one did, up to times and the names of nodes.

What was typed is typed again, in the same order, on a server whose clock is set.  A `qstat` is asked again until it
shows what was seen, as time goes on; all other lines are run once.
"""

import os
import re
from pathlib import Path

from cobalt_bench import HOME, Bench, Block, read_captures

LATER = ("trap0.sh", "segv.sh", "badinterp.sh")
"""Scripts that were written only when they were needed."""

WAITS = {
    ("01", 11): 12,
    ("01", 12): 2,
    ("03", 0): 40,  # so that the look at dependencies comes when it came
    ("04", 1): 4,
    ("04", 9): 3,
    ("04", 10): 29,
    ("04", 14): 6,
    ("04", 18): 14,
    ("04", 20): 15,
    ("06", 3): 1,
    ("07", 2): 25,
    ("07", 3): 25,
}
"""Where time passed between two lines that no command of them tells, in seconds."""

BOB = {("04", 1)}
"""What somebody else typed."""

DOWN = {("07", 4)}
"""Where the queue manager was not there."""

PROLOGUES = {("08", 6): 12.0}
"""Where the prologue of a job took longer than elsewhere, in seconds."""

BEFORE = {("06", 0): "qdel 21 25"}
"""What was typed between two captures."""

ELSE = {
    ("03", 7): (
        "13     queued     Q  default                False      False       None      ",
        "13     starting   R  default                False      False       nodeNN    ",
    ),
    ("04", 15): (
        "24     dep_hold  H  debug-cache-quad",
        "23     running   R  default           00:01:00                False      \n24     dep_hold  H  debug-cache-quad",
    ),
    ("03", 18): ("15     starting  R", "15     running   R"),
}
"""Where the real machine did by chance what follows from no rule: it started 14 before 13, 15 more slowly than 16,
and 23 so long before 22 that it had ended already."""

UNORDERED = {("04", 18)}
"""Where lines of several logs are mixed by chance, those of the server coming late."""

LEFT_OUT = {"nodelist | head -6", "showres"}
"""Commands that are not emulated."""

LOOSE = (
    (r"[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d \d{4} \+0000 \(UTC\)", "DATE"),
    (r"TIME=\d+", "TIME=N"),
    (r"node\d\d", "nodeNN"),
    (r"node\[[\d,-]+\]", "node[NN-NN]"),
    (r"COBALT_NODEFILE=\S+", "COBALT_NODEFILE=FILE"),
    (r"(?s)<START TRACEBACK.*?END TRACEBACK[^>]*>", "<TRACEBACK>"),
    (r"seen after about \d+ s", "seen after about N s"),
)


def normalise(text: str, home: str) -> str:
    """Return a text without what differs from one run to the next; the order in a dictionary of Python 2 is one."""
    text = text.replace(home, HOME)
    for pattern, replacement in LOOSE:
        text = re.sub(pattern, replacement, text)
    text = re.sub(r"(Envs +: |Command: )(.*)", lambda found: found[1] + " ".join(sorted(found[2].split())), text)
    lines = text.splitlines()
    while "DATE Environment:" in lines:
        start = lines.index("DATE Environment:")
        end = lines.index("DATE ", start)
        lines[start:end] = ["environment", *sorted(lines[start + 1 : end])]
    if "      Deleted Jobs" in lines:
        start = lines.index("      Deleted Jobs") + 3
        end = next((at for at in range(start, len(lines)) if not lines[at][:1].isdigit()), len(lines))
        lines[start:end] = sorted(lines[start:end])
    if HOME in text:  # columns are as wide as a path
        lines = [re.sub(r" {2,}", "  ", re.sub(r"={5,}", "=====", line)) for line in lines]
    return "\n".join(lines)


def is_look(line: str) -> bool:
    return re.fullmatch(r"qstat[-\w: ]*", line) is not None


def replay(bench: Bench, place: tuple[str, int], block: Block) -> None:
    """Run a line of a capture, and require its answer."""
    bench.write(*[name for name in LATER if name in block.line])
    if place in BEFORE:
        bench.shell(BEFORE[place])
    bench.wait(WAITS.get(place, 0))
    bench.user = "bob" if place in BOB else "alice"
    bench.is_down = place in DOWN
    bench.cobalt.prologue = PROLOGUES.get(place, 3.0)
    wanted = [normalise(text, bench.home) for text in (block.answer.out, block.answer.err)]
    order = sorted if place in UNORDERED else list
    if place in ELSE:
        wanted[0] = wanted[0].replace(*ELSE[place])
    seen: list[str] = []
    for _ in range(2000 if is_look(block.line) else 1):
        answer = bench.ask(*block.line.split()) if is_look(block.line) else bench.shell(block.line)
        seen = [normalise(text, bench.home) for text in (answer.out, answer.err)]
        if (seen, answer.status) == (wanted, block.answer.status):
            return
    assert (place, block.line, order(seen[0].splitlines())) == (place, block.line, order(wanted[0].splitlines()))
    assert (place, block.line, seen[1].splitlines()) == (place, block.line, wanted[1].splitlines())
    assert (place, block.line, answer.status) == (place, block.line, block.answer.status)


def test_the_captures(tmp_path: Path) -> None:
    home = tmp_path / "campaign"
    home.mkdir()
    bench = Bench(home, slow=5)
    bench.commands = 0.1
    for name in LATER:
        os.unlink(home / name)
    typed = 0
    for name, blocks in read_captures():
        for number, block in enumerate(blocks):
            if block.line not in LEFT_OUT:
                replay(bench, (name[:2], number), block)
                typed += 1
    assert typed == 132
