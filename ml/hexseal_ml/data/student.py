"""The model that training starts from, as it labels real images: all classes but Sealed."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from hexseal.types import Bytes, Floats
from hexseal_ml.data.taught import Student
from hexseal_ml.model.classes import SEALED
from hexseal_ml.model.folder import load_model, model_checksum

# Pixels that an image is continued by at its edges, as in a mirror.
MARGIN = 32


def student_of(folder: Path) -> tuple[Student, str]:
    """Return what labels images with a model, and the model's checksum."""
    model = load_model(folder)
    codes = np.array(model.class_codes, np.uint8)
    place = model.class_codes.index(SEALED)

    def label(reflectance: Floats) -> tuple[Bytes, NDArray[np.bool_]]:
        padded = np.pad(reflectance, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)), "reflect")
        with torch.inference_mode():
            values = model.normalise(torch.from_numpy(padded[None]))
            found = model.probabilities(model(values).logits)[0].numpy()
        found = found[:, MARGIN:-MARGIN, MARGIN:-MARGIN]  # (K, rows, cols)
        sealed = found.argmax(axis=0) == place
        found[place] = -1
        return codes[found.argmax(axis=0)], sealed

    return label, model_checksum(folder)
