"""What a training needs to resume after it was killed: written whole, without pickle."""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from hexseal.errors import InputError
from hexseal.storage.files import whole_file

STATE = "state.safetensors"
MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(slots=True)
class Progress:
    """How far a training is; ``key`` names the configuration it belongs to.

    ``initial_weights`` are those it started from, whatever can be reached when it resumes.
    """

    key: str
    initial_weights: str
    step: int = 0
    seconds: float = 0.0
    best_iou: float = -math.inf
    history: list[dict[str, float]] = field(default_factory=list)


def save_state(
    folder: Path, progress: Progress, model: nn.Module, average: nn.Module, optimizer: Optimizer
) -> None:
    """Write weights, their running average and the optimizer's moments in one step."""
    tensors: dict[str, Tensor] = {}
    for prefix, module in (("model", model), ("average", average)):
        tensors.update({f"{prefix}.{k}": v.contiguous() for k, v in module.state_dict().items()})
    for name, parameter in model.named_parameters():
        state = optimizer.state.get(parameter, {})
        for moment in MOMENTS:
            if moment in state:
                tensors[f"{moment}.{name}"] = state[moment].contiguous()
    with whole_file(folder / STATE) as partial:
        save_file(tensors, partial, metadata={"progress": json.dumps(asdict(progress))})


def load_state(
    folder: Path, key: str, model: nn.Module, average: nn.Module, optimizer: Optimizer
) -> Progress | None:
    """Restore a training of the same configuration; None where there is none to resume."""
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            progress = Progress(**json.loads(file.metadata()["progress"]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as err:
        raise InputError(f"{path}: cannot be read ({err}); train with --fresh") from err
    if progress.key != key:
        raise InputError(
            f"{folder}: holds a training of another configuration; "
            "train with --fresh or give another [model] out"
        )
    for prefix, module in (("model", model), ("average", average)):
        own = {name: tensors[f"{prefix}.{name}"] for name in module.state_dict()}
        module.load_state_dict(own)
    for name, parameter in model.named_parameters():
        if f"{MOMENTS[0]}.{name}" in tensors:
            optimizer.state[parameter] = {
                "step": torch.tensor(float(progress.step)),
                **{moment: tensors[f"{moment}.{name}"] for moment in MOMENTS},
            }
    return progress
