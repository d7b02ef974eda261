"""Trained models of CLC+ Forward, found by folder or by name.

A model has a name where a distribution registers its folder as an entry point of ``hexseal.models``
(``hexseal-model-clcplus-b2`` does) or, in a clone, where ml/weights/ holds a folder of that name.
"""

import importlib.util
from importlib.metadata import entry_points
from pathlib import Path

from hexseal.errors import InputError, ToolError
from hexseal.region.epochs import is_model_name

GROUP = "hexseal.models"
SHIPPED = "clcplus-forward-b2"
DISTRIBUTION = "hexseal-model-clcplus-b2"
CLONE = Path(__file__).resolve().parents[3] / "ml" / "weights"
CONFIG = "config.json"
# What a prediction imports beyond hexseal's own dependencies.
NEEDED = ("torch", "transformers", "safetensors")


def model_folder(model: str) -> Path:
    """Return the folder of a model, which is given by its path or its name.

    Raises InputError where no model of that name is installed; a path is returned as it is.
    """
    path = Path(model)
    if not is_model_name(model) or path.is_dir():
        return path
    if (CLONE / model / CONFIG).is_file():
        return CLONE / model
    for point in entry_points(group=GROUP, name=model):
        return Path(point.load())
    if model == SHIPPED:
        raise InputError(
            f"model {model!r} is not installed; pip install 'hexseal[ml]' {DISTRIBUTION}, "
            "give its folder, or take the forward year out"
        )
    known = sorted({point.name for point in entry_points(group=GROUP)} | {SHIPPED})
    raise InputError(
        f"model {model!r} is not installed (known: {', '.join(known)}); give the folder of a model"
    )


def require_ml() -> None:
    """Raise ToolError where the packages that a prediction needs are not installed."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ToolError(
            f"CLC+ Forward needs {', '.join(missing)}; "
            "install with pip install 'hexseal[ml]', or take the forward year out"
        )


def can_predict(model: str = SHIPPED) -> bool:
    """Return whether a forward year can be made here: the model and its packages are installed."""
    try:
        require_ml()
        return (model_folder(model) / CONFIG).is_file()
    except (InputError, ToolError):
        return False
