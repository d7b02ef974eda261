"""Seal Island: a simulated landscape whose true land cover is known.

Imports point one way: fields < spread < terrain < parcels < vegetation < names < settlements
< covers < streets < works < houses < sites < growth < truth < observation < corrections
< areas < writing < preview < island.
"""

from hexseal.simulate.island import SimulationSummary, is_simulated, simulate
from hexseal.simulate.observation import NoiseModel, Observation, error_fields, observe
from hexseal.simulate.truth import Truth, simulate_truth

__all__ = [
    "NoiseModel",
    "Observation",
    "SimulationSummary",
    "Truth",
    "error_fields",
    "is_simulated",
    "observe",
    "simulate",
    "simulate_truth",
]
