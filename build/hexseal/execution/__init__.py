"""Run one function over many units: on processes of this machine, or on a Dask cluster."""

from hexseal.execution.store import UnitStore, UnitWriter
from hexseal.execution.units import (
    Execution,
    Executor,
    Named,
    Outcome,
    completed,
    note_kept,
    open_executor,
)

__all__ = [
    "Execution",
    "Executor",
    "Named",
    "Outcome",
    "UnitStore",
    "UnitWriter",
    "completed",
    "note_kept",
    "open_executor",
]
