"""The README.md of a model folder: what the model is, was trained on, and can be trusted for."""

from collections.abc import Mapping
from typing import cast

from hexseal_ml.classes import class_name

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
- Added to the logit of Sealed before deciding: {offset} (matches mapped and reference area on
  validation blocks)

## Training data

{sources}

{steps} steps in {minutes} minutes, class weights: {weights}, seed {seed}, initial weights:
{start}.

## Accuracy on validation blocks

| Figure | Value |
|---|---|
{figures}

Sealed share without the offset: bias {plain_bias} percentage points.

## Limits

Accuracy on other regions, years, seasons and processors differs: evaluate there with
`hexseal-ml evaluate` before using a map. A difference of two predictions is no measurement of
change without the model's confusion matrix.
"""


def model_card(facts: Mapping[str, object]) -> str:
    """Return the card of a model from the ``hexseal`` section of its configuration."""
    training = cast("dict[str, object]", facts["training"])
    metrics = cast("dict[str, dict[str, float]]", facts["metrics"])
    codes = cast("list[int]", facts["class_codes"])
    rows = [f"| {key} | {value:.4f} |" for key, value in metrics["validation"].items()]
    rows += [
        f"| IoU {code} {class_name(int(code))} | {value:.3f} |"
        for code, value in metrics["iou"].items()
    ]
    return CARD.format(
        size=str(facts["size"]).upper(),
        bands=", ".join(cast("list[str]", facts["bands"])),
        classes=", ".join(f"{code} {class_name(code)}" for code in codes),
        offset=facts["sealed_logit_offset"],
        sources="\n".join(
            f"- {_source(source)}"
            for source in cast("list[dict[str, object]]", training["sources"])
        ),
        steps=training["steps_taken"],
        minutes=training["minutes"],
        weights=training["class_weights"],
        seed=training["seed"],
        start=training["pretrained"] or "random",
        figures="\n".join(rows),
        plain_bias=f"{metrics['validation_without_offset']['sealed_share_bias']:+.3f}",
    )


def _source(source: Mapping[str, object]) -> str:
    """Say where data came from, without the machine's folders.

    >>> _source({"kind": "simulation", "seeds": (1001, 1002), "size_km": (12, 12)})
    'simulation: seeds 1001 to 1002, 12 x 12 km each'
    """
    if source["kind"] == "simulation":
        seeds = cast("tuple[int, ...]", source["seeds"])
        width, height = cast("tuple[float, float]", source["size_km"])
        years = cast("tuple[int, ...]", source.get("years", ()))
        when = f", years {', '.join(map(str, years))}" if years else ""
        return (
            f"simulation: seeds {min(seeds)} to {max(seeds)}, {width:g} x {height:g} km each{when}"
        )
    return f"{source['kind']}: {str(source.get('path', '')).rsplit('/', 1)[-1]}"
