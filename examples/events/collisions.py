"""What tuning and generating share: how Pythia is started from a card, how events are drawn and measured."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pythia8mc

MPI_SETTING = "Init:reuseMPIiDiffSys0"  # where Pythia keeps the tables of multiparton interactions
PB_PER_MB = 1e9


def start_pythia(card: str, seed: int, mpi_tables: list[str]) -> pythia8mc.Pythia:
    """A generator that is ready; tables of multiparton interactions from an earlier start halve the time this takes."""
    pythia = pythia8mc.Pythia("", False)  # noqa: FBT003  (no banner)
    if not pythia.readFile(card):
        sys.exit(f"{card} holds a setting that Pythia does not know")
    for setting in ("Print:quiet = on", "Random:setSeed = on", f"Random:seed = {seed}"):
        pythia.readString(setting)
    pythia.readString("MultipartonInteractions:reuseInit = -1")
    if mpi_tables:
        pythia.settings.wvec(MPI_SETTING, mpi_tables)
    if not pythia.init():
        sys.exit(f"Pythia could not be started with {card}")
    return pythia


def draw_events(pythia: pythia8mc.Pythia, observable: str, events: int) -> tuple[np.ndarray, np.ndarray]:
    """Observable and weight of that many events."""
    measure = OBSERVABLES[observable]()
    drawn = [(measure(pythia.event), pythia.infoPython().weight()) for _ in _each_event(pythia, events)]
    values, weights = np.array(drawn).T
    return values, weights


def _each_event(pythia: pythia8mc.Pythia, events: int):
    failures = 0
    while events > 0:
        if pythia.next():
            events -= 1
            yield
        else:
            failures += 1
            if failures > 10 + events:
                sys.exit("Pythia fails again and again")


def read_cross_section(pythia: pythia8mc.Pythia) -> dict[str, float]:
    """The cross-section so far and its error, in pb, and how many phase-space points were tried for it."""
    info = pythia.infoPython()
    sigma, error = info.sigmaGen() * PB_PER_MB, info.sigmaErr() * PB_PER_MB
    return {"sigma_pb": sigma, "error_pb": error, "tried": info.nTried()}


def write_json(path: str, value: object) -> None:
    """Writes under another name first, so that a crash leaves no half file behind."""
    with open(f"{path}.part", "w", encoding="utf-8") as part:
        json.dump(value, part, indent=1)
        part.write("\n")
    os.replace(f"{path}.part", path)


def _start_z_pt():
    def measure(event):
        return [particle.pT() for particle in event if particle.id() == 23][-1]  # the last copy: after all radiation

    return measure


def _start_jet_pt():
    jets = pythia8mc.SlowJet(-1, 0.4, 10.0, 4.5)  # anti-kT, radius, lowest pT in GeV, highest |eta|

    def measure(event):
        jets.analyze(event)
        return jets.pT(0) if jets.sizeJet() else 0.0

    return measure


def _start_charged():
    def measure(event):
        return float(sum(particle.isFinal() and particle.isCharged() for particle in event))

    return measure


# pT of the Z boson and of the leading jet in GeV, number of charged particles
OBSERVABLES = {"z_pt": _start_z_pt, "jet_pt": _start_jet_pt, "charged": _start_charged}
