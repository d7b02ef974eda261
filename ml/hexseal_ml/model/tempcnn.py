"""TempCNN: each pixel's series of dates by itself (Pelletier et al. 2019, Remote Sensing 11:523).

CLC+ Backbone itself is made by such a network. It sees no neighbours; its input at a place is
how its bands change over the year.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from hexseal.errors import InputError
from hexseal_ml.imagery.bands import days_of
from hexseal_ml.model.classes import class_name
from hexseal_ml.model.network import FORMAT, RANDOM, ForwardModel, Prediction

# As published: filters of each of three blocks, dates that a filter sees, neurons, dropout.
FILTERS, KERNEL, NEURONS, DROPOUT = 64, 5, 256, 0.5
# Pixels that go through the network at a time when it predicts: more need more memory only.
CHUNK = 65_536


class TempCnnConfig(PretrainedConfig):
    """Configuration of a TempCNN; ``hexseal`` holds what a prediction needs besides weights."""

    model_type = "hexseal_tempcnn"

    def __init__(
        self, num_channels: int = 0, dates: int = 1, hexseal: dict[str, object] | None = None,
        **kwargs: object,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.num_channels, self.dates = num_channels, dates
        self.hexseal = hexseal or {}


class ForwardTempCnn(ForwardModel, PreTrainedModel):
    """Three convolutions over time, each normalised and with dropout, and two dense layers."""

    config_class = TempCnnConfig
    main_input_name = "pixel_values"

    def __init__(self, config: TempCnnConfig) -> None:
        super().__init__(config)
        self.dates = config.dates
        widths = (config.num_channels // config.dates, FILTERS, FILTERS, FILTERS)
        self.blocks = nn.Sequential(*(_block(a, b) for a, b in pairwise(widths)))
        self.dense = nn.Sequential(
            nn.Linear(FILTERS * config.dates, NEURONS, bias=False), nn.BatchNorm1d(NEURONS),
            nn.ReLU(), nn.Dropout(DROPOUT),
        )  # fmt: skip
        self.classifier = nn.Linear(NEURONS, len(config.id2label or ()))
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Keep torch's own initial weights."""

    def forward(self, pixel_values: Tensor, **kwargs: object) -> Prediction:
        """Return logits (B, K, H, W) of normalised channels (B, dates * bands, H, W)."""
        del kwargs
        batch, channels, height, width = pixel_values.shape
        series = pixel_values.reshape(batch, self.dates, channels // self.dates, -1)
        series = series.permute(0, 3, 2, 1).reshape(-1, channels // self.dates, self.dates)
        parts = series.split(CHUNK) if not self.training else (series,)
        logits = torch.cat([self._classified(part) for part in parts])
        return Prediction(logits.reshape(batch, height, width, -1).permute(0, 3, 1, 2), None)

    def _classified(self, series: Tensor) -> Tensor:
        """Return logits (pixels, K) of series (pixels, bands, dates)."""
        return self.classifier(self.dense(self.blocks(series).flatten(1)))


def _block(wide: int, filters: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(wide, filters, KERNEL, padding="same", bias=False), nn.BatchNorm1d(filters),
        nn.ReLU(), nn.Dropout(DROPOUT),
    )  # fmt: skip


def build_tempcnn(channels: Sequence[str], class_codes: Sequence[int]) -> ForwardTempCnn:
    """Return a network with random weights, its normalisation still neutral."""
    dates = len(days_of(channels))
    if not dates:
        raise InputError(
            '[model] kind = "tempcnn" learns from a series: give days = [75, 135, ...]'
        )
    names = {place: class_name(code) for place, code in enumerate(class_codes)}
    config = TempCnnConfig(
        num_channels=len(channels), dates=dates,
        id2label=names, label2id={name: place for place, name in names.items()},
        hexseal={
            "format": FORMAT, "kind": "tempcnn", "size": "tempcnn", "bands": list(channels),
            "mean": [0.0] * len(channels), "std": [1.0] * len(channels),
            "class_codes": list(class_codes), "sealed_logit_offset": 0.0,
            "initial_weights": RANDOM,
        },
    )  # fmt: skip
    return ForwardTempCnn(config)
