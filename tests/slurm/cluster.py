"""A real Slurm cluster on this machine, for tests: Debian's packages, all daemons, and a set of namespaces for each node.

    python tests/slurm/cluster.py [--nodes N] -- COMMAND…     runs COMMAND on a cluster, which is gone when it ends

All files lie in one temporary folder.  All processes live in namespaces of process numbers and of networks that end with
the one who made them, so nothing is left, however it ends, and no port is opened that another could see.  Each node has
a host name, processes, shared memory and a /dev/shm of its own; cpus and memory are pretended.  It takes root.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from select import select
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = ("ip", "munged", "slurmctld", "slurmd", "srun", "unshare", "nsenter")
NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid")
FOUND = TypeVar("FOUND")


def until(found: Callable[[], FOUND], what: str, seconds: float = 60, *, pause: float = 0.1) -> FOUND:
    """Return what `found` returns as soon as that is true; an error that says `what` was waited for if it never is.

    It is asked anew every `pause` seconds.
    """
    deadline = time.monotonic() + seconds
    while not (value := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{seconds:g} seconds have passed, and still not: {what}")
        select([], [], [], pause)
    return value


def find_obstacle() -> str | None:
    """Return why there can be no cluster here; None if there can."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        return f"{', '.join(missing)}: not on the PATH"
    done = subprocess.run(
        ["unshare", *NAMESPACES, "--fork", "--mount-proc", "true"], capture_output=True, text=True, check=False
    )
    return None if done.returncode == 0 else f"no namespaces: {done.stderr.strip()}"


class Cluster:
    """A cluster that is up from its making to `close`: `nodes` nodes named node001 and on.

    Beside the partition `batch` there are `partitions` others, named part01 and on, all with all nodes.  With
    `accounting`, which takes slurmdbd and mariadbd, there are qualities of service, and sacct knows what has ended.
    `more` are further lines of slurm.conf.
    """

    def __init__(
        self,
        *,
        nodes: int = 16,
        cpus: int = 64,
        memory: int = 64000,
        partitions: int = 0,
        accounting: bool = False,
        more: str = "",
    ) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="slurm-"))
        self.names = [f"node{number:03}" for number in range(1, nodes + 1)]
        self.partitions = [f"part{number:02}" for number in range(1, partitions + 1)]
        self._write(cpus, memory, more, accounting=accounting)
        path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
        self.environment = {**os.environ, "PATH": path, "SLURM_CONF": str(self.place / "slurm.conf")}
        # Open MPI's mpiexec asks this of root; and its ranks do not own the cpus that they are told of
        self.environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        self.environment |= {
            "OMPI_MCA_mpi_yield_when_idle": "1",
            "OMPI_MCA_orte_tmpdir_base": str(self.place / "openmpi"),
        }
        words = [
            "unshare",
            *NAMESPACES,
            "--fork",
            "--kill-child",
            "--",
            f"{HERE}/head.bash",
            str(self.place),
            str(nodes),
        ]
        with (self.place / "log/head.out").open("w") as log:
            # our end of the pipe closes with this process, even if it is killed
            self._head = subprocess.Popen(
                words, env=self.environment, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._pid = until(lambda: child_of(self._head.pid), "the head of the cluster starts", 20)
            until(self.is_up, "all nodes are up", 60)
        except TimeoutError as problem:
            told = self.log()
            self.close()
            raise TimeoutError(f"{problem}\n{told}") from None

    def _write(self, cpus: int, memory: int, more: str, *, accounting: bool) -> None:
        (self.place / "log").mkdir()
        (self.place / "tmp").mkdir()
        for name in self.names:  # of two mpiexec that start on one node, one fails if both want to make this folder
            (self.place / f"openmpi/ompi.{name}.0/kept").mkdir(parents=True)
        (self.place / "munge.key").write_bytes(os.urandom(128))
        (self.place / "munge.key").chmod(0o600)
        self.place.chmod(0o755)
        hosts = [
            f"10.0.{number // 250}.{number % 250 + 1} {name}\n" for number, name in enumerate(["head", *self.names])
        ]
        (self.place / "hosts").write_text("127.0.0.1 localhost\n" + "".join(hosts))
        values = {"place": self.place, "count": len(self.names), "cpus": cpus, "half": cpus // 2, "memory": memory}
        parts = [f"PartitionName={name} Nodes=ALL MaxTime=7-00:00:00 State=UP\n" for name in self.partitions]
        text = CONFIGURATION.format_map(values | {"share": memory // cpus}) + "".join(parts) + more
        if accounting:
            text = text.replace("AccountingStorageType=accounting_storage/none\n", ACCOUNTING.format_map(values))
            (self.place / "slurmdbd.conf").write_text(DATABASE.format_map(values))
            (self.place / "slurmdbd.conf").chmod(0o600)
        (self.place / "slurm.conf").write_text(text)

    def log(self) -> str:
        """Return the ends of all logs."""
        logs = sorted((self.place / "log").iterdir())
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-1000:]}" for log in logs)

    # ------------------------------------------------------------ commands

    def words(self, *command: str, root: Path | None = None, node: str | None = None) -> list[str]:
        """Return the words that run a command where users log in, or on a node; in a folder."""
        pid = self._pid if node is None else self.first_process(node)
        return ["nsenter", "--target", str(pid), *NAMESPACES, "--", "env", "-C", str(root or self.place), *command]

    def run(self, *command: str, root: Path | None = None, node: str | None = None) -> str:
        """Run a command there and return its stdout; it is an error if it fails."""
        done = subprocess.run(
            self.words(*command, root=root, node=node),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def is_up(self) -> bool:
        """Tell whether the controller answers, and all nodes wait for work."""
        if self._head.poll() is not None:
            raise TimeoutError("the head of the cluster has ended")
        done = subprocess.run(
            self.words("sinfo", "-h", "-N", "-p", "batch", "-o", "%N %t"),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return sum(line.endswith(" idle") for line in done.stdout.splitlines()) == len(self.names)

    # ------------------------------------------------------------ the controller

    def stop_controller(self, number: int = signal.SIGTERM) -> None:
        """End slurmctld until `start_controller`; by SIGKILL it forgets what it was told in the last seconds."""
        send(number, self._controllers())
        until(lambda: not self._controllers(), "slurmctld has ended", 60)

    def start_controller(self) -> None:
        """Start slurmctld again; it knows what its predecessor knew."""
        log = self.place / "log/slurmctld.out"
        self.run("bash", "-c", f"setsid slurmctld -D </dev/null >>{log} 2>&1 &")
        until(self._controllers, "slurmctld runs", 20)

    def freeze_controller(self) -> None:
        """Stop slurmctld: who asks it waits for an answer, and what it was told may be done later."""
        send(signal.SIGSTOP, self._controllers())

    def thaw_controller(self) -> None:
        """Let slurmctld go on."""
        send(signal.SIGCONT, self._controllers())

    def _head_process(self) -> int:
        assert self._pid is not None
        return self._pid

    def _controllers(self) -> list[int]:
        inside = namespace_of(self._head_process())
        return [pid for pid in all_processes() if words_of(pid)[:1] == ["slurmctld"] and namespace_of(pid) == inside]

    # ------------------------------------------------------------ nodes

    def first_process(self, node: str) -> int:
        """Return the number, as seen from here, of the first process of a node."""
        found = find_first_process(self.place, node)
        if found is None:
            raise AssertionError(f"{node} is off")
        return found

    def crash(self, node: str) -> None:
        """End everything on a node at once, as a power loss does."""
        os.kill(self.first_process(node), signal.SIGKILL)

    def boot(self, node: str) -> None:
        """Switch a node on again, after a crash, and let Slurm use it."""
        self.run(f"{HERE}/boot.bash", str(self.place), node)

    def freeze(self, node: str) -> None:
        """Stop everything on a node, as when it hangs."""
        stopped: set[int] = set()
        while new := set(self.processes(node)) - stopped:
            send(signal.SIGSTOP, new)
            stopped |= new

    def thaw(self, node: str) -> None:
        """Let everything on a node go on."""
        send(signal.SIGCONT, self.processes(node))

    def processes(self, node: str) -> list[int]:
        """Return the numbers, as seen from here, of all processes of a node, its first one excepted."""
        first = self.first_process(node)
        inside = namespace_of(first)
        return [pid for pid in all_processes() if pid != first and namespace_of(pid) == inside]

    # ------------------------------------------------------------ the end

    def close(self) -> None:
        """Take the cluster down; nothing of it is left."""
        assert self._head.stdin is not None
        self._head.stdin.close()
        try:
            self._head.wait(20)
        except subprocess.TimeoutExpired:
            self._head.kill()  # its child dies with it, and all others with that
            self._head.wait()
        shutil.rmtree(self.place, ignore_errors=True)


def all_processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def send(number: int, pids: Iterable[int]) -> None:
    """Send a signal to processes; those that have ended meanwhile need none."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def namespace_of(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:  # it has just ended
        return None


def words_of(pid: int) -> list[str]:
    """Return the command of a process; nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def child_of(pid: int) -> int | None:
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
        found = children.read().split()
    return int(found[0]) if found else None


def find_first_process(place: Path, node: str) -> int | None:
    """Return the process that is the first one in the namespace of a node."""
    for pid in all_processes():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has just ended
            continue
        numbers = next((line.split() for line in status.splitlines() if line.startswith("NSpid:")), [])
        if words[-3:] == [str(place), node, ""] and numbers[-1:] == ["1"]:
            return pid
    return None


CONFIGURATION = """\
ClusterName=tests
SlurmctldHost=head
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={place}/munge.sock
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool-%n
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd-%n.pid
SlurmctldLogFile={place}/log/slurmctld
SlurmdLogFile={place}/log/%n
TmpFS={place}/tmp
SwitchType=switch/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
PropagateResourceLimits=NONE
PropagatePrioProcess=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU={share}
MaxJobCount=20000
# what a node and its memory are is believed, not looked up
SlurmdParameters=config_overrides
NodeName=node[001-{count:03}] CPUs={cpus} Sockets=2 CoresPerSocket={half} ThreadsPerCore=1 RealMemory={memory} State=UNKNOWN
PartitionName=batch Nodes=ALL Default=YES MaxTime=7-00:00:00 DefaultTime=01:00:00 State=UP
# what differs from a site's, so that things happen soon
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=5,bf_interval=5,batch_sched_delay=1,sched_min_interval=50000
ReturnToService=2
RebootProgram=/bin/true
SlurmdTimeout=20
SlurmctldTimeout=30
InactiveLimit=0
KillWait=5
UnkillableStepTimeout=30
CompleteWait=0
BatchStartTimeout=30
MessageTimeout=20
"""

ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=head
AccountingStoragePass={place}/munge.sock
AccountingStorageEnforce=associations,limits,qos
"""

DATABASE = """\
AuthType=auth/munge
AuthInfo={place}/munge.sock
DbdHost=head
SlurmUser=root
LogFile={place}/log/slurmdbd
PidFile={place}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StorageUser=slurm
StoragePass=tests
StorageLoc=slurm
"""


def main() -> int:
    """Run a command on a cluster, and return how it ended."""
    parser = argparse.ArgumentParser(description="Runs a command on a Slurm cluster, which is gone when it ends.")
    parser.add_argument("--nodes", type=int, default=16)
    parser.add_argument("--cpus", type=int, default=64, help="that each node pretends to have")
    parser.add_argument("command", nargs="+")
    said = parser.parse_args()
    obstacle = find_obstacle()
    if obstacle:
        print(f"there can be no cluster here: {obstacle}", file=sys.stderr)
        return 3
    cluster = Cluster(nodes=said.nodes, cpus=said.cpus)
    try:
        words = cluster.words(*said.command, root=Path.cwd())
        return subprocess.run(words, env=cluster.environment, check=False).returncode
    finally:
        cluster.close()


if __name__ == "__main__":
    sys.exit(main())
