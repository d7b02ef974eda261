"""Seal Island: a simulated landscape whose true land cover is known."""

from hexseal.simulation.island import SimulationSummary, is_simulated, simulate
from hexseal.simulation.observation import NoiseModel, Observation, error_fields, observe
from hexseal.simulation.sentinel2 import SimulatedImage, simulate_imagery, simulate_series
from hexseal.simulation.truth import Truth, simulate_truth

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
    "simulate_series",
    "simulate_truth",
]
