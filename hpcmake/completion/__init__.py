"""Completion for shells: a script for bash, zsh or fish, made from the table of options and verbs.

Owns what is completed where.  Knows nothing of what options and verbs do; for targets the scripts ask `hpcmake
--complete-targets`, which prints a name a line.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.completion.words import Described

__all__ = ["SHELLS", "render_completion"]

SHELLS = ("bash", "zsh", "fish")
"""The shells for which there is a script."""


def render_completion(shell: str, options: Sequence[Described], verbs: Mapping[str, str]) -> str:
    """Return the script for one of SHELLS; `verbs` maps each verb to what it does, in a few words.

    An option whose `verbs` are empty goes with each verb; `run` among them is the verb that is not written.
    Raises ValueError for another shell.
    """
    if shell == "bash":
        from hpcmake.completion.bash import render_bash

        return render_bash(options, verbs)
    if shell == "zsh":
        from hpcmake.completion.zsh import render_zsh

        return render_zsh(options, verbs)
    if shell == "fish":
        from hpcmake.completion.fish import render_fish

        return render_fish(options, verbs)
    message = f"no shell that completion is known for: {shell}"
    raise ValueError(message)
