"""The README.md of a model folder: what the model is, was trained on, and can be trusted for."""

from collections.abc import Mapping, Sequence
from typing import cast

from hexseal_ml.data.split import ROLES
from hexseal_ml.model.classes import class_name

CARD = """---
library_name: transformers
pipeline_tag: image-segmentation
license: apache-2.0
tags: [land-cover, sentinel-2, segformer, clc-plus-backbone]
---

# CLC+ Forward: SegFormer-{size} on Sentinel-2

Maps Sentinel-2 surface reflectance at 10 m to the classes of CLC+ Backbone. Made by
`hexseal-ml train`, read by `hexseal-ml predict` and by `hexseal build`; see METHODOLOGY.md of
hexseal for what may be concluded from it.

- Bands, in this order: {bands}
- Input: surface reflectance (0 to 1), normalised by mean and std of config.json, 0 where missing
- Classes: {classes}
- Without a pixel in the training data, so not to be found in maps: {unseen}
- Added to the logit of Sealed before deciding: {offset} (matches mapped and reference area on
  validation blocks)

## Training data

{sources}

{steps} steps in {minutes} minutes, {kept}class weights: {weights}, seed {seed}, initial weights:
{start}.

## Accuracy on validation blocks

| Figure | Value |
|---|---|
{figures}

Sealed share without the offset: bias {plain_bias} percentage points.

| Class | IoU without the offset |
|---|---|
{classwise}

## Limits

Accuracy on other regions, years, seasons and processors differs: evaluate there with
`hexseal-ml evaluate` before using a map. A difference of two predictions is no measurement of
change without the model's confusion matrix.
"""

FIGURES = {
    "iou_sealed": ("IoU of Sealed", ".3f"),
    "iou_mean": ("Mean IoU of the classes present, without the offset", ".3f"),
    "overall_accuracy": ("Overall accuracy, without the offset", ".3f"),
    "sealed_share": ("Sealed share of the map, %", ".3f"),
    "sealed_share_reference": ("Sealed share of the label, %", ".3f"),
    "sealed_share_bias": ("Bias of the sealed share, percentage points", "+.3f"),
}


NOTICE = """Some of the training labels of this model were derived from two works of others.

Dynamic World, its model and predictions: Google and World Resources Institute, Apache License 2.0,
https://github.com/google/dynamicworld. Brown et al. 2022, Scientific Data 9:251,
doi:10.1038/s41597-022-01307-4. The predictions were used as a teacher, changed by spectral rules.

EuroSAT images: Helber et al. 2019, IEEE JSTARS 12(7), doi:10.1109/JSTARS.2019.2918242; the authors
state the MIT licence. They and the other images contain modified Copernicus Sentinel data.
"""


def model_card(facts: Mapping[str, object]) -> str:
    """Return the card of a model from the ``hexseal`` section of its configuration."""
    training = cast("dict[str, object]", facts["training"])
    metrics = cast("dict[str, dict[str, float]]", facts["metrics"])
    codes = cast("list[int]", facts["class_codes"])
    return CARD.format(
        size=str(facts["size"]).upper(),
        bands=", ".join(cast("list[str]", facts["bands"])),
        classes=", ".join(f"{code} {class_name(code)}" for code in codes),
        unseen=", ".join(
            f"{code} {class_name(code)}"
            for code, pixels in zip(codes, cast("list[int]", training["class_pixels"]), strict=True)
            if not pixels
        )
        or "none",
        offset=facts["sealed_logit_offset"],
        sources="\n".join(
            f"- {_source(source)}"
            for source in cast("list[dict[str, object]]", training["sources"])
        ),
        steps=training["steps_taken"],
        minutes=training["minutes"],
        kept=f"weights of step {training['step_kept']}, " if "step_kept" in training else "",
        weights=training["class_weights"],
        seed=training["seed"],
        start=facts["initial_weights"],
        figures="\n".join(
            f"| {title} | {metrics['validation'][key]:{form}} |"
            for key, (title, form) in FIGURES.items()
        ),
        plain_bias=f"{metrics['validation_without_offset']['sealed_share_bias']:+.3f}",
        classwise="\n".join(
            f"| {code} {class_name(code)} | {_shown(metrics['iou'].get(str(code)))} |"
            for code in codes
        ),
    )


def _shown(iou: float | None) -> str:
    """Return a class's IoU in words; a class that validation lacks has none.

    >>> _shown(0.5), _shown(None)
    ('0.500', 'not present')
    """
    return "not present" if iou is None else f"{iou:.3f}"


def _source(source: Mapping[str, object]) -> str:
    """Return where data came from, and for what if it is not split by blocks; no folder is named.

    >>> _source({"kind": "simulation", "seeds": (1001, 1002), "size_km": (12, 12), "role": 1})
    'validation: simulation, seeds 1001 to 1002, 12 x 12 km each'
    """
    roles = {number: name for name, number in ROLES.items()}
    use = roles.get(cast(int, source.get("role")), "training and validation by blocks")
    return f"{use}: {_origin(source)}"


def _origin(source: Mapping[str, object]) -> str:
    if source["kind"] == "taught":
        taught = cast("dict[str, object]", source["taught"])
        names = cast("Sequence[str]", taught.get("names", ()))
        what = f" ({', '.join(names)})" if names else ""
        aside = ", every fifth held aside" if taught.get("folds") else ""
        return f"real images {taught['folder']}{what}, labelled by Dynamic World{aside}"
    if source["kind"] == "simulation":
        seeds = cast("tuple[int, ...]", source["seeds"])
        width, height = cast("tuple[float, float]", source["size_km"])
        years = cast("tuple[int, ...]", source.get("years", ()))
        when = f", years {', '.join(map(str, years))}" if years else ""
        return (
            f"simulation, seeds {min(seeds)} to {max(seeds)}, {width:g} x {height:g} km each{when}"
        )
    return f"{source['kind']} {str(source.get('path', '')).rsplit('/', 1)[-1]}"
