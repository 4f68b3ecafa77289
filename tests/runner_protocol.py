"""What every runner must do, whatever lies between it and the tasks: a suite that each runner's tests inherit.

Tasks tell by a FIFO that they have come to a point, and wait at one to be released: nothing here waits for a time.
"""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from hpcmake.model import Attempt, Began, Cut, Ended, Event, Lost, Resources, Runner
from hpcmake.runners.process import end_all_strays, find_strays

FOREVER = "sleep 1000"


class Start(Protocol):
    """Starts the runner under test in the folder of the test."""

    def __call__(
        self, *, cores: int = 2, memory: int = 0, gpus: int = 0, grace: float = 0.2, environment: dict[str, str] = ...
    ) -> Runner: ...


class Told:
    """All that a runner has told, in order."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.events: list[Event] = []
        self.ends: dict[int, Ended | Cut] = {}

    def begun(self) -> list[int]:
        return [event.id for event in self.events if isinstance(event, Began)]

    def until_ended(self, *ids: int) -> list[Ended | Cut]:
        while any(number not in self.ends for number in reversed(ids)):
            self.listen()
        return [self.ends[number] for number in ids]

    def until_begun(self, *ids: int) -> None:
        while not set(ids) <= set(self.begun()):
            self.listen()

    def listen(self) -> None:
        for event in self.runner.events(None):
            assert not isinstance(event, Lost), event
            self.events.append(event)
            if isinstance(event, Ended | Cut):
                assert event.id not in self.ends, f"{event.id} has ended twice"
                self.ends[event.id] = event

    def run(self, *attempts: Attempt) -> list[Ended]:
        """Hand attempts out, and return how each ended."""
        self.runner.more(attempts)
        ended = self.until_ended(*(attempt.id for attempt in attempts))
        assert all(isinstance(event, Ended) for event in ended), ended
        return [event for event in ended if isinstance(event, Ended)]


def script(number: int, text: str, **more: object) -> Attempt:
    return Attempt(number, f"task[{number}]", script=text, **more)  # type: ignore[arg-type]


def program(number: int, *argv: str, **more: object) -> Attempt:
    return Attempt(number, f"task[{number}]", argv=argv, **more)  # type: ignore[arg-type]


def overlap(events: Sequence[Event], weights: dict[int, int]) -> int:
    """Return the greatest sum of weights of attempts that ran at the same time."""
    changes = [(event.at, weights[event.id]) for event in events if isinstance(event, Began)]
    changes += [(event.at, -weights[event.id]) for event in events if isinstance(event, Ended)]
    now = most = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


class RunnerProtocol:
    """Inherit from it, and give a fixture `start`; `mark` and `root` are what that shall use."""

    @pytest.fixture
    def root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        return tmp_path

    @pytest.fixture
    def mark(self) -> Iterator[str]:
        mark = f"test-{os.getpid()}-{os.urandom(4).hex()}"
        yield mark
        assert end_all_strays(mark) == 0, "processes were left"

    @pytest.fixture
    def fifo(self, root: Path) -> Path:
        os.mkfifo(root / "fifo")
        return root / "fifo"

    def output(self, event: Ended) -> str:
        if event.log is None:
            return ""
        path, offset, length = event.log
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(length).decode()

    # ------------------------------------------------------------ one attempt

    def test_an_attempt_begins_and_ends(self, start: Start) -> None:
        told = Told(start())
        (ended,) = told.run(program(1, "touch", "out/a.dat", folders=("out",), outputs=("out/a.dat", "out/b.dat")))
        found = os.stat("out/a.dat")
        assert (ended.status, ended.why, ended.log, ended.strays) == (0, "exit", None, 0)
        assert ended.stamps == ((found.st_mtime_ns, found.st_size), None)
        assert ended.wall > 0
        assert ended.cpu > 0
        assert ended.rss > 100_000
        assert ended.node
        (began,) = (event for event in told.events if isinstance(event, Began))
        assert began.at <= ended.at

    @pytest.mark.parametrize(("text", "status"), [("exit 3", 3), ("kill -9 $$", -9), ("kill -TERM $$", -15)])
    def test_the_status_is_that_of_the_command(self, start: Start, text: str, status: int) -> None:
        (ended,) = Told(start()).run(script(1, text, outputs=("a",)))
        assert (ended.status, ended.why, ended.stamps) == (status, "exit", ())

    def test_a_program_that_is_not_there_is_reported_as_bash_does(self, start: Start) -> None:
        (ended,) = Told(start()).run(program(1, "no-such-program", "x"))
        assert ended.status == 127
        assert self.output(ended) == "bash: no-such-program: command not found\n"

    def test_a_program_that_may_not_be_run_is_reported_as_bash_does(self, start: Start, root: Path) -> None:
        (root / "notes.txt").write_text("no program")
        (ended,) = Told(start()).run(program(1, "./notes.txt"))
        assert ended.status == 126
        assert self.output(ended) == "bash: ./notes.txt: Permission denied\n"

    def test_a_script_that_does_not_say_its_interpreter_is_one_of_the_shell(self, start: Start, root: Path) -> None:
        (root / "tool").write_text("echo as in a shell: $1\n")
        (root / "tool").chmod(0o755)
        (ended,) = Told(start()).run(program(1, "./tool", "x y"))
        assert (ended.status, self.output(ended)) == (0, "as in a shell: x y\n")

    def test_a_program_that_moves_on_the_path_is_found_again(self, start: Start, root: Path) -> None:
        for folder in ("one", "two"):
            (root / folder).mkdir()
            (root / folder / "tool").write_text(f"#!/bin/sh\necho {folder}\n")
            (root / folder / "tool").chmod(0o755)
        path = {"PATH": f"{root}/one:{root}/two:{os.environ['PATH']}"}
        told = Told(start())
        (first,) = told.run(program(1, "tool", env=path))
        (root / "one" / "tool").unlink()
        (second,) = told.run(program(2, "tool", env=path))
        assert (self.output(first), self.output(second)) == ("one\n", "two\n")

    def test_a_script_may_be_for_any_interpreter(self, start: Start) -> None:
        (ended,) = Told(start()).run(script(1, "import sys\nprint(sys.flags.isolated)", interpreter=("python3", "-I")))
        assert self.output(ended) == "1\n"

    def test_a_script_may_be_long_and_hold_any_letter(self, start: Start) -> None:
        text = "cat <<'end'\n" + "äöü €\udcff\n" * 50_000 + "end\n"
        (ended,) = Told(start()).run(script(1, text))
        assert ended.log is not None
        path, offset, length = ended.log
        with open(path, "rb") as file:
            file.seek(offset)
            assert file.read(length) == "äöü €\udcff\n".encode("utf-8", "surrogateescape") * 50_000

    def test_an_attempt_that_runs_nothing_succeeds(self, start: Start) -> None:
        (ended,) = Told(start()).run(Attempt(1, "marker"))
        assert ended.status == 0

    def test_stdin_is_empty(self, start: Start) -> None:
        (ended,) = Told(start()).run(script(1, "cat; ls -l /proc/self/fd/0 | grep -o '/dev/null'"))
        assert (ended.status, self.output(ended)) == (0, "/dev/null\n")

    def test_no_descriptor_of_ours_reaches_a_task(self, start: Start) -> None:
        (ended,) = Told(start()).run(script(1, "ls /proc/self/fd | wc -l"))
        assert self.output(ended) == "4\n"  # three, and that of the folder that ls reads

    def test_signals_are_as_a_shell_has_them(self, start: Start) -> None:
        (ended,) = Told(start()).run(script(1, "grep -E '^Sig(Blk|Ign)' /proc/self/status"))
        for line in self.output(ended).splitlines():
            assert int(line.split()[1], 16) & 0x7FFFFFFF == 0  # those above belong to the system's threads

    # ------------------------------------------------------------ post

    def test_a_failure_of_post_is_one_of_the_attempt(self, start: Start) -> None:
        (ended,) = Told(start()).run(script(1, "echo run", post="exit 4", outputs=("a",)))
        assert (ended.status, ended.why, ended.stamps) == (4, "post", ())

    def test_only_post(self, start: Start) -> None:
        (ended,) = Told(start()).run(script(1, "echo run", post="echo post", only_post=True))
        assert (ended.status, self.output(ended)) == (0, "post\n")

    # ------------------------------------------------------------ output

    def test_each_result_says_where_its_output_lies(self, start: Start) -> None:
        attempts = [script(n, f"echo {'x' * n}; echo {n} >&2") if n % 3 else program(n, "true") for n in range(1, 30)]
        for ended in Told(start()).run(*attempts):
            wanted = f"{'x' * ended.id}\n{ended.id}\n" if ended.id % 3 else ""
            assert self.output(ended) == wanted

    def test_a_log_of_its_own_is_appended_to(self, start: Start) -> None:
        told = Told(start())
        told.run(script(1, "echo one", log="logs/of/a.txt"))
        (second,) = told.run(script(2, "echo two", log="logs/of/a.txt"))
        assert Path("logs/of/a.txt").read_text() == "one\ntwo\n"
        assert second.log == ("logs/of/a.txt", 4, 4)

    def test_a_log_that_cannot_be_opened_fails_the_attempt(self, start: Start, root: Path) -> None:
        (root / "file").touch()
        told = Told(start())
        log, folder = told.run(script(1, "true", log="file/log"), script(2, "true", folders=("file/x",)))
        assert (log.status, folder.status) == (1, 1)
        assert self.output(log) == "hpcmake: file: not a folder\n"
        assert self.output(folder) == "hpcmake: file/x: Not a directory\n"

    def test_folders_are_made_again_when_they_were_removed(self, start: Start) -> None:
        told = Told(start())
        (first,) = told.run(program(1, "rmdir", "out", folders=("out",)))
        (failed,) = told.run(program(2, "false"))
        (second,) = told.run(program(3, "rmdir", "out", folders=("out",)))
        assert (first.status, failed.status, second.status) == (0, 1, 0)

    def test_stamps_of_many_outputs_arrive(self, start: Start) -> None:
        names = tuple(f"out/{'n' * 100}{n}" for n in range(150))
        (ended,) = Told(start()).run(script(1, "touch " + " ".join(names[1:]), folders=("out",), outputs=names))
        assert ended.stamps == (None, *((os.stat(name).st_mtime_ns, 0) for name in names[1:]))

    # ------------------------------------------------------------ resources

    def test_two_run_side_by_side(self, start: Start, root: Path) -> None:
        os.mkfifo(root / "there")
        os.mkfifo(root / "back")
        told = Told(start(cores=2))
        ended = told.run(script(1, "echo > there; read < back"), script(2, "read < there; echo > back"))
        assert [event.status for event in ended] == [0, 0]

    def test_no_more_run_than_there_are_cores(self, start: Start) -> None:
        told = Told(start(cores=3))
        cores = {n: n % 3 + 1 for n in range(1, 40)}
        told.run(*(program(n, "true", resources=Resources(cores=cores[n])) for n in cores))
        assert overlap(told.events, cores) <= 3

    def test_no_more_run_than_there_is_memory(self, start: Start) -> None:
        told = Told(start(cores=8, memory=10 << 30))
        memory = {n: (n % 4 + 1) << 30 for n in range(1, 40)}
        told.run(*(program(n, "true", resources=Resources(memory=memory[n])) for n in memory))
        assert overlap(told.events, memory) <= 10 << 30

    def test_memory_that_is_not_counted_limits_nothing(self, start: Start) -> None:
        (ended,) = Told(start(memory=0)).run(program(1, "true", resources=Resources(memory=1 << 50)))
        assert ended.status == 0

    def test_a_task_with_ranks_runs_alone(self, start: Start) -> None:
        told = Told(start(cores=4))
        weights = {n: 100 if n % 5 == 0 else 1 for n in range(1, 20)}
        shapes = {1: Resources(), 100: Resources(nodes=1, ranks=2, cores_per_rank=3)}
        told.run(*(program(n, "true", resources=shapes[weights[n]]) for n in weights))
        assert overlap(told.events, weights) in (1, 2, 3, 4, 100)

    def test_each_gpu_has_one_task(self, start: Start, root: Path) -> None:
        for name in ("there", "back"):
            os.mkfifo(root / name)
        say = "echo $CUDA_VISIBLE_DEVICES $ROCR_VISIBLE_DEVICES $HIP_VISIBLE_DEVICES $ZE_AFFINITY_MASK"
        environment = {"PATH": os.environ["PATH"]}
        told = Told(start(cores=4, gpus=3, environment=environment))
        first, second, without = told.run(
            script(1, f"{say}; echo > there; read < back", resources=Resources(gpus=2)),
            script(2, f"{say}; read < there; echo > back", resources=Resources(gpus=1)),
            script(3, say),
        )
        assert self.output(first) == "0,1 0,1 0,1 0,1\n"
        assert self.output(second) == "2 2 0 2\n"
        assert self.output(without) == "\n"

    def test_gpus_that_we_were_given_are_shared_out(self, start: Start) -> None:
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "GPU-aa,GPU-bb"}
        told = Told(start(gpus=2, environment=environment))
        (ended,) = told.run(script(1, "echo $CUDA_VISIBLE_DEVICES", resources=Resources(gpus=1)))
        assert self.output(ended) == "GPU-aa\n"

    def test_threads_are_the_cores_unless_env_says(self, start: Start) -> None:
        told = Told(start(cores=4, environment={**os.environ, "OMP_NUM_THREADS": "7"}))
        say = "echo $OMP_NUM_THREADS"
        ended = told.run(
            script(1, say),
            script(2, say, resources=Resources(cores=3)),
            script(3, say, env={"OMP_NUM_THREADS": "5"}),
            script(4, say, resources=Resources(nodes=1, ranks=2, cores_per_rank=2)),
        )
        assert [self.output(event) for event in ended] == ["1\n", "3\n", "5\n", "2\n"]

    def test_env_is_added_to_the_environment(self, start: Start) -> None:
        told = Told(start(environment={**os.environ, "OLD": "old", "BOTH": "old"}))
        say = 'echo "$OLD $BOTH $NEW"'
        first, second = told.run(script(1, say, env={"BOTH": "new", "NEW": "ä b"}), script(2, "echo $BOTH"))
        assert (self.output(first), self.output(second)) == ("old new ä b\n", "old\n")

    # ------------------------------------------------------------ time, and what is left behind

    def test_a_time_limit_ends_the_whole_tree(self, start: Start, mark: str) -> None:
        text = f"(trap '' TERM; setsid bash -c 'echo up; {FOREVER}') & {FOREVER} & {FOREVER}"
        (ended,) = Told(start()).run(script(1, text, resources=Resources(time=0.3), outputs=("a",)))
        # bash may see its child ended before it is itself
        assert ended.status in {-15, 128 + 15}
        assert (ended.why, ended.stamps) == ("time", ())
        assert strays_of(mark, 1) == []

    def test_what_ignores_the_signal_is_killed_after_the_grace(self, start: Start, mark: str) -> None:
        text = "trap '' TERM; while true; do sleep 1000; done"
        (ended,) = Told(start()).run(script(1, text, resources=Resources(time=0.1)))
        assert (ended.status, ended.why) == (-9, "time")
        assert strays_of(mark, 1) == []

    def test_a_task_that_ends_well_at_its_limit_has_failed(self, start: Start) -> None:
        text = "trap 'kill $!; exit 0' TERM; sleep 1000 & wait"
        (ended,) = Told(start()).run(script(1, text, resources=Resources(time=0.1)))
        assert ended.why == "time"
        assert ended.status != 0

    def test_the_limit_holds_for_post_too(self, start: Start) -> None:
        (ended,) = Told(start()).run(script(1, "true", post=FOREVER, resources=Resources(time=0.1)))
        assert ended.why == "time"

    @pytest.mark.parametrize(
        "how", ["", "setsid ", "setsid env -i PATH=/usr/bin:/bin HPCMAKE_ATTEMPT=$HPCMAKE_ATTEMPT "]
    )
    def test_what_a_task_leaves_behind_is_ended(self, start: Start, mark: str, how: str) -> None:
        (ended,) = Told(start()).run(script(1, f"{how}{FOREVER} & {how}{FOREVER} & exit 0"))
        assert (ended.status, ended.why, ended.strays) == (0, "exit", 2)
        assert strays_of(mark, 1) == []

    def test_what_ends_by_itself_right_after_a_task_is_not_disturbed(self, start: Start, fifo: Path) -> None:
        # bash does not wait for the process behind `> >(…)`
        text = "exec > >(read line < fifo; cat; echo $line)\necho text"
        told = Told(start(cores=1))
        told.runner.more([script(1, text)])
        told.until_begun(1)
        fifo.write_text("the end\n")
        (ended,) = told.until_ended(1)
        assert isinstance(ended, Ended)
        assert (ended.status, self.output(ended), ended.strays) == (0, "text\nthe end\n", 0)

    def test_orphans_of_a_task_that_runs_are_its_own(self, start: Start, root: Path) -> None:
        for name in ("up", "go", "end"):
            os.mkfifo(root / name)
        told = Told(start())
        told.runner.more([script(1, "(setsid bash -c 'echo > up; read < go; echo done > end' &); read < up; cat end")])
        told.until_begun(1)
        told.run(program(2, "true"), program(3, "true"))
        Path("go").write_text("x\n")
        (ended,) = told.until_ended(1)
        assert isinstance(ended, Ended)
        assert self.output(ended) == "done\n"

    # ------------------------------------------------------------ what the engine may say

    def test_handing_out_again_is_a_no_op(self, start: Start, fifo: Path) -> None:
        told = Told(start(cores=1))
        once = script(1, "read < fifo; echo x >> count")
        told.runner.more([once, once])
        told.until_begun(1)
        told.runner.more([once])
        fifo.write_text("go\n")
        told.until_ended(1)
        told.runner.more([once])
        told.run(program(2, "true"), program(3, "true"))
        assert Path("count").read_text() == "x\n"
        assert told.begun() == [1, 2, 3]

    def test_what_has_not_begun_can_be_taken_back(self, start: Start, fifo: Path) -> None:
        told = Told(start(cores=1))
        told.runner.more([script(1, "read < fifo"), program(2, "touch", "two"), program(3, "touch", "three")])
        told.until_begun(1)
        told.runner.forget([1, 2, 99])
        assert told.until_ended(2) == [Cut(2, "forgotten", 0)]
        fifo.write_text("go\n")
        told.until_ended(1, 3)
        assert sorted(path.name for path in Path().glob("t*")) == ["three"]

    def test_drain_lets_end_what_runs(self, start: Start, fifo: Path) -> None:
        told = Told(start(cores=1))
        told.runner.more([script(1, "read < fifo"), program(2, "true")])
        told.until_begun(1)
        told.runner.drain()
        told.runner.more([program(3, "true")])
        assert told.until_ended(2, 3) == [Cut(2, "stop", 0), Cut(3, "stop", 0)]
        fifo.write_text("go\n")
        (ended,) = told.until_ended(1)
        assert isinstance(ended, Ended)

    @pytest.mark.parametrize("how", ["term", "kill"])
    def test_stop_cuts_all(self, start: Start, mark: str, how: str, root: Path) -> None:
        for number in (1, 2):
            os.mkfifo(root / f"up{number}")
        told = Told(start(cores=2))
        told.runner.more([script(n, f"setsid {FOREVER} & echo > up{n}; {FOREVER}") for n in range(1, 5)])
        for number in (1, 2):
            Path(f"up{number}").read_text()
        told.runner.stop(how)
        ended = told.until_ended(1, 2, 3, 4)
        assert [(event.id, event.why) for event in ended if isinstance(event, Cut)] == [
            (n, "stop") for n in range(1, 5)
        ]
        assert isinstance(ended[0], Cut)
        assert ended[0].elapsed > 0
        assert strays_of(mark) == []

    def test_a_second_stop_does_not_wait_for_the_grace(self, start: Start, fifo: Path) -> None:
        told = Told(start(grace=1000))
        told.runner.more([script(1, f"trap '' TERM; echo up > fifo; {FOREVER}; {FOREVER}")])
        fifo.read_text()
        told.runner.stop("term")
        told.runner.stop("kill")
        (cut,) = told.until_ended(1)
        assert isinstance(cut, Cut)

    def test_a_task_that_ends_well_when_it_is_stopped_is_cut(self, start: Start, fifo: Path) -> None:
        told = Told(start())
        told.runner.more([script(1, "trap 'kill $!; exit 0' TERM; sleep 1000 & echo up > fifo; wait")])
        fifo.read_text()
        told.runner.stop("term")
        (cut,) = told.until_ended(1)
        assert isinstance(cut, Cut)

    def test_close_ends_what_runs(self, start: Start, mark: str, fifo: Path) -> None:
        runner = start()
        runner.more([script(1, f"setsid {FOREVER} & echo up > fifo; {FOREVER}")])
        fifo.read_text()
        runner.close()
        assert find_strays(mark) == []

    def test_a_wait_has_an_end(self, start: Start) -> None:
        runner = start()
        runner.more([program(1, "sleep", "1000")])
        Told(runner).until_begun(1)
        assert runner.events(0.0) == []
        assert runner.events(0.01) == []

    def test_a_signal_ends_a_wait(self, start: Start) -> None:
        told = Told(start())
        told.runner.more([program(1, "sleep", "1000")])
        told.until_begun(1)
        former = signal.signal(signal.SIGUSR1, lambda _number, _frame: None)
        try:
            threading.Timer(0.05, signal.raise_signal, [signal.SIGUSR1]).start()
            assert told.runner.events(None) == []
        finally:
            signal.signal(signal.SIGUSR1, former)

    def test_thousands_of_attempts(self, start: Start) -> None:
        told = Told(start())
        told.runner.more([Attempt(n, "marker", post="", env={"N": str(n % 7)}) for n in range(1, 1001)])
        told.until_ended(*range(1, 1001))
        assert told.begun() == list(range(1, 1001))


def strays_of(mark: str, number: int | None = None) -> list[int]:
    """Return the processes of one attempt, or of all."""
    if number is not None:
        return find_strays(f"{mark}:{number}")
    return [pid for pid in find_strays(mark + ":") if pid not in find_strays(mark + ":node")]
