"""Predict without torch: Sealed where red is bright, with a confidence of 90 everywhere."""

import json
import sys
from pathlib import Path

import numpy as np
import rasterio


def predict(image: str, stem: Path) -> None:
    """Write the files of ``hexseal-ml predict`` that a build reads."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(image) as file:
        red = file.read(file.descriptions.index("B04") + 1)
        profile = {"driver": "GTiff", "count": 1, "dtype": "uint8", "height": file.height,
                   "width": file.width, "crs": file.crs, "transform": file.transform}  # fmt: skip
    sealed = np.where(red > 0.3, 1, 6).astype(np.uint8)
    for kind, values in (("landcover", sealed), ("confidence", np.full_like(sealed, 90))):
        with rasterio.open(f"{stem}_{kind}.tif", "w", **profile) as made:
            made.write(values, 1)
    stem.with_name(f"{stem.name}.json").write_text(json.dumps({"model_checksum": "stand-in"}))


if __name__ == "__main__":
    command, image, *rest = sys.argv[1:]
    assert command == "predict", command
    options = dict(zip(rest[::2], rest[1::2], strict=False))
    if not Path(options["--model"]).is_dir():
        sys.exit(f"error: {options['--model']}: no such model folder; train one or give another")
    predict(image, Path(options["--out"]) / options["--prefix"])
