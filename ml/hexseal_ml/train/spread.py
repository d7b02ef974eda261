"""How much a trained model's sealed area errs from place to place, on regions it never saw."""

import json
from contextlib import nullcontext
from pathlib import Path

import torch

from hexseal.errors import InputError
from hexseal.progress import Progress, no_progress
from hexseal.storage.files import write_bytes
from hexseal_ml.data.sampling import plots
from hexseal_ml.data.sources import Source, open_scenes, seeds_of
from hexseal_ml.data.split import VALIDATION, SplitOptions
from hexseal_ml.model.folder import CONFIG, load_model
from hexseal_ml.train.validation import spread, widened

YEARS = (2018, 2024)


def measure_spread(
    folder: Path, seeds: str, cache: Path, progress: Progress = no_progress
) -> dict[str, float]:
    """Measure a model on simulated regions of 12 x 12 km and write what is found into its folder.

    Raises InputError where the model was trained on one of the regions, where it states no
    accuracy of Sealed, or where its folder cannot be read.
    """
    numbers = seeds_of(seeds)
    if numbers is None:
        raise InputError(f'--seeds {seeds!r} is not like "1065-1072"')
    model = load_model(folder)
    path = folder / CONFIG
    config = json.loads(path.read_text(encoding="utf-8"))
    facts = config["hexseal"]
    known = facts.get("metrics", {}).get("sealed_accuracy")
    if known is None:
        raise InputError(f"{folder}: config.json states no accuracy of Sealed; train it again")
    seen = {
        seed
        for source in facts.get("training", {}).get("sources", [])
        if source["kind"] == "simulation" and source.get("role") != VALIDATION
        for seed in source.get("seeds", [])
    }
    if seen.intersection(numbers):
        raise InputError(
            f"--seeds {seeds}: the model was trained on {min(seen.intersection(numbers))}; "
            "choose other seeds"
        )
    source = Source("simulation", VALIDATION, numbers, years=YEARS)
    scenes = open_scenes([source], model.bands, cache, progress)
    found = spread(
        model, plots(scenes, SplitOptions(), VALIDATION, 0), known,
        float(facts["sealed_logit_offset"]), torch.device("cpu"), nullcontext(),
    )  # fmt: skip
    if found is None:
        raise InputError(f"--seeds {seeds}: nothing is sealed in these regions; choose others")
    facts["metrics"] |= {"sealed_accuracy": widened(known, found), "spread": found}
    write_bytes(path, (json.dumps(config, indent=2, sort_keys=True) + "\n").encode())
    return found
