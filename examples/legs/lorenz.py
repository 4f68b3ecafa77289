"""Integrates Lorenz's model of convection from a restart file: lorenz.py RESTART STEPS TRACK.npz.

A restart is either three numbers in a text, or the track of an earlier leg, whose last state is taken.
"""

from __future__ import annotations

import sys

import numpy as np

STEP = 0.005  # in units of the model's time
SIGMA, RHO, BETA = 10.0, 28.0, 8.0 / 3.0


def slope(state):
    """How fast convection, and temperature across and up, change."""
    x, y, z = state
    return np.array([SIGMA * (y - x), x * (RHO - z) - y, x * y - BETA * z])


def advance(state):
    """One step of fourth-order Runge-Kutta."""
    first = slope(state)
    second = slope(state + STEP / 2 * first)
    third = slope(state + STEP / 2 * second)
    fourth = slope(state + STEP * third)
    return state + STEP / 6 * (first + 2 * second + 2 * third + fourth)


def read_restart(path):
    """The time and the state to start from."""
    with open(path, "rb") as file:
        is_track = file.read(2) == b"PK"
    if not is_track:
        return 0.0, np.loadtxt(path)
    with np.load(path) as track:
        return float(track["time"][-1]), track["states"][-1]


def main() -> None:
    source, steps, target = sys.argv[1:]
    start, state = read_restart(source)
    states = []
    for _ in range(int(steps)):
        state = advance(state)
        states.append(state)
    with open(target, "wb") as file:
        np.savez(file, time=start + STEP * np.arange(1, int(steps) + 1), states=np.array(states))


if __name__ == "__main__":
    main()
