"""Seal Island: a simulated landscape whose true land cover is known."""

from hexseal.simulate.island import SimulationSummary, is_simulated, simulate
from hexseal.simulate.observation import NoiseModel, Observation, error_fields, observe
from hexseal.simulate.sentinel2 import SimulatedImage, simulate_imagery
from hexseal.simulate.truth import Truth, simulate_truth

__all__ = [
    "NoiseModel",
    "Observation",
    "SimulatedImage",
    "SimulationSummary",
    "Truth",
    "error_fields",
    "is_simulated",
    "observe",
    "simulate",
    "simulate_imagery",
    "simulate_truth",
]
