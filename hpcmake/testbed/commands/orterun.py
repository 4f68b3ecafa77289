"""mpiexec of Open MPI: hosts with slots, a slot after the other.

Owns the words of Open MPI's mpiexec where they differ from Hydra's.  Knows nothing of how ranks are run.
"""

from __future__ import annotations

import os

from . import hydra
from .face import Rank, exit_status
from .refusal import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .face import Outcome, Step
    from .refusal import Unclaimed

KNOWN = {
    **dict.fromkeys(("-c", "-H", "--host", "-host"), "hosts"),
    **dict.fromkeys(("-x",), "exported"),
    **dict.fromkeys(("--report-bindings", "--tune", "--rank-by"), "no effect"),
}


class Orterun(hydra.Hydra):
    """mpiexec of Open MPI."""

    oversubscribed = False

    def parse(self, argv: list[str]) -> Step:
        """Return what was asked for.  Raises Refusal."""
        if argv == ["--version"]:
            raise Refusal(status=0, out=("mpiexec (OpenRTE) 4.1.4", "", "Emulated."))
        return super().parse(self._translated(argv))

    def _translated(self, argv: list[str]) -> list[str]:
        """Return the words as Hydra has them, without those that have no effect here."""
        rest: list[str] = []
        words = iter(argv)
        for word in words:
            if word == "-x":
                name, equals, value = next(words, "").partition("=")
                rest += ["-env", name, value if equals else os.environ.get(name, "")]
            elif word in {"--mca", "-mca", "--gmca"}:
                key, value = next(words, ""), next(words, "")
                if key == "orte_abort_on_non_zero_status" and value == "0":
                    rest.append("-disable-auto-cleanup")
            elif word in {"--map-by", "-map-by"}:
                shape = next(words, "").split(":")
                if shape[0] == "ppr" and len(shape) > 2:  # noqa: PLR2004  # ppr:N:node
                    rest += ["-ppn", shape[1]]
            elif word in {"-N", "--npernode", "-npernode"}:
                rest += ["-ppn", next(words, "")]
            elif word in {"--allow-run-as-root", "--oversubscribe", "-oversubscribe", "--tag-output"}:
                self.oversubscribed = self.oversubscribed or "oversubscribe" in word
                rest += ["-l"] if "tag" in word else []
            elif word in {"-H", "--host", "-host"}:
                rest += ["-hosts", next(words, "")]
            elif word == "--stdin":
                rest += ["-s", next(words, "")]
            elif word.startswith("-") and word in hydra.KNOWN:
                rest += [word, next(words, "")]
            elif word.startswith("-") and word in hydra.FLAGS:
                rest.append(word)
            elif word == ":" or not word.startswith("-"):
                rest.append(word)
                if word != ":":
                    for each in words:  # the program's own, up to the next one
                        rest.append(each)
                        if each == ":":
                            break
            else:
                raise Refusal(f'mpiexec: Error: unknown option "{word}"', "Type 'mpiexec --help' for usage.")
        return rest

    def _host_of(self, rank: int) -> str:
        if self.per_node:
            return super()._host_of(rank)
        return self.hosts[rank % len(self.hosts)]

    def _rank_environment(self, rank: int, local: int, total: int, on_node: int) -> dict[str, str]:
        return {
            "OMPI_COMM_WORLD_RANK": str(rank),
            "OMPI_COMM_WORLD_SIZE": str(total),
            "OMPI_COMM_WORLD_LOCAL_RANK": str(local),
            "OMPI_COMM_WORLD_LOCAL_SIZE": str(on_node),
        }

    def refuse(self, reason: Unclaimed, step: Step) -> Refusal:
        """Return why nothing is launched."""
        return Refusal(*super().refuse(reason, step).lines, _BAR, *_LOST, _BAR)

    def ended(self, outcome: Outcome) -> tuple[list[str], list[str], int]:
        """Return what mpiexec says at the end."""
        failed: list[Rank] = outcome.failed()
        if not failed:
            return [], [], 0
        first = next((rank for rank in failed if rank.status not in {-15, -9}), failed[0])
        how = f"exited on signal {-(first.status or 0)}" if (first.status or 0) < 0 else "exiting with non-zero status"
        return (
            [],
            [_BAR, f"mpiexec noticed that process rank {first.number} on node {first.node} {how}.", _BAR],
            (exit_status(first.status)),
        )


_BAR = "-" * 74
_LOST = (
    "An ORTE daemon has unexpectedly failed after launch and before",
    "communicating back to mpirun.",
)
