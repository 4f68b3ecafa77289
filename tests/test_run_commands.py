"""What commands see, and how strictly they are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from command import Command


def test_a_target_is_made_and_then_there_is_nothing_to_do(command: Command) -> None:
    command.wfile("""
        target all: "b"
        rule b:
            input: "a"
            output: "b"
            run: cp {input} {output}
    """)
    command.sources("a")
    assert command.ok().done == ["b"]
    assert command.text("b") == "a\n"
    assert command.ok().ran == []
    assert command.ok().summary["nothing_to_do"]
