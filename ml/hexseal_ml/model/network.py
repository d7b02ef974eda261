"""SegFormer for land cover: the network of transformers, faster, and sharp to the pixel.

Two things differ from the stock network. Decode head and encoder compute the same figures in
another order or layout of memory, which saves most of the time. And since stock logits have a
quarter of the image's resolution while much that is sealed is one pixel wide, a small network
refines them at full resolution from the logits and the bands themselves.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    PreTrainedModel,
    SegformerConfig,
    SegformerForSemanticSegmentation,
    SegformerModel,
)
from transformers.models.segformer.modeling_segformer import (
    SegformerAttention,
    SegformerDecodeHead,
    SegformerDepthWiseConv,
    SegformerMixMLP,
    SegformerSequenceReduction,
)

from hexseal.errors import InputError
from hexseal_ml.imagery.bands import band_of
from hexseal_ml.model.classes import SEALED, class_name

log = logging.getLogger(__name__)

FORMAT = 1
REFINE_WIDTH = 48
CELL = 2
SMALLEST_SIDE = 32
# Depths and widths of the encoders MiT-B0 to B5 (Xie et al. 2021, table 6).
WIDTHS = (64, 128, 320, 512)
ENCODERS: Mapping[str, tuple[tuple[int, ...], tuple[int, ...], int]] = {
    "b0": ((2, 2, 2, 2), (32, 64, 160, 256), 256),
    "b1": ((2, 2, 2, 2), WIDTHS, 256),
    "b2": ((3, 4, 6, 3), WIDTHS, 768),
    "b3": ((3, 4, 18, 3), WIDTHS, 768),
    "b4": ((3, 8, 27, 3), WIDTHS, 768),
    "b5": ((3, 6, 40, 3), WIDTHS, 768),
}
RANDOM = "random"
RED, GREEN, BLUE = "B04", "B03", "B02"


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Logits of every class: ``logits`` (B, K, H, W), ``coarse`` (B, K, H/4, W/4) if there are."""

    logits: Tensor
    coarse: Tensor | None


class GridDepthwise(SegformerDepthWiseConv):
    """The stock depthwise convolution of tokens, seen as a grid whose channels are last.

    Stock transposes first; a batch of one window then has strides that make oneDNN copy channel by
    channel, 15 times as slow.
    """

    def forward(self, hidden_states: Tensor, height: int, width: int) -> Tensor:
        """Keep the shape (B, height x width, D)."""
        return _tokens(self.dwconv(_grid(hidden_states, height, width)))


class GridReduction(SegformerSequenceReduction):
    """The stock reduction of keys and values, in the same layout as GridDepthwise."""

    def forward(self, hidden_states: Tensor, height: int, width: int) -> Tensor:
        """Return (B, fewer tokens, D) of tokens (B, height x width, D)."""
        reduced = self.sequence_reduction(_grid(hidden_states, height, width))
        return self.layer_norm(_tokens(reduced))


def _grid(tokens: Tensor, height: int, width: int) -> Tensor:
    return tokens.reshape(len(tokens), height, width, -1).permute(0, 3, 1, 2)


def _tokens(grid: Tensor) -> Tensor:
    return grid.permute(0, 2, 3, 1).flatten(1, 2)


class FusedDecodeHead(SegformerDecodeHead):
    """The stock decode head, computed in another order with the same parameters.

    Stock projects each scale to D channels, enlarges, stacks and mixes them by a 1x1 convolution
    at a quarter of the image's resolution. Both maps are linear and enlarging is a weighted mean,
    so projection and mixing are multiplied first and applied at each scale's own resolution.
    Channels stay last in memory, where enlarging is several times faster on processors.
    """

    def projections(self) -> list[tuple[Tensor, Tensor]]:
        """Return weight (D, C) and bias (D) of each scale, projection and mixing in one."""
        projections = [cast(nn.Linear, linear.proj) for linear in self.linear_projections]
        # Stock stacks the scales in reverse.
        mixing = reversed(self.linear_fuse.weight.flatten(1).chunk(len(projections), dim=1))
        return [
            (mix @ project.weight, mix @ project.bias)
            for project, mix in zip(projections, mixing, strict=True)
        ]

    def forward(  # type: ignore[override]
        self, encoder_hidden_states: Sequence[Tensor], **kwargs: object
    ) -> Tensor:
        """Return logits (B, K, H/4, W/4) of four scales (B, C, h, w)."""
        del kwargs
        size = encoder_hidden_states[0].shape[2:]
        parts: list[Tensor] = []
        for scale, (weight, bias) in zip(encoder_hidden_states, self.projections(), strict=True):
            last = scale.permute(0, 2, 3, 1).contiguous()
            part = functional.linear(last, weight, bias).permute(0, 3, 1, 2)  # (B, D, h, w)
            if part.shape[2:] != size:
                part = functional.interpolate(part, size=size, mode="bilinear", align_corners=False)
            parts.append(part)
        fused = parts[0]
        for part in parts[1:]:
            fused = fused.add_(part) if not self.training else fused + part
        fused = self.batch_norm(fused)
        fused = self.activation(fused) if self.training else functional.relu_(fused)
        classify = cast(nn.Conv2d, self.classifier)
        return functional.linear(
            self.dropout(fused).permute(0, 2, 3, 1), classify.weight.flatten(1), classify.bias
        ).permute(0, 3, 1, 2)


class Residual(nn.Module):
    """A 3x3 convolution whose normalised output is added to its input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, values: Tensor) -> Tensor:
        """Keep the shape (B, width, h, w)."""
        return values + functional.relu(self.norm(self.convolution(values)))


class Refinement(nn.Module):
    """Correct quarter-resolution logits (B, K, H/4, W/4) with the bands (B, C, H, W).

    It works on cells of 2 x 2 pixels, all four pixels' bands as channels, and answers for each
    pixel of a cell (sub-pixel convolution, Shi et al. 2016): every pixel is seen, at a fraction of
    the memory traffic that convolutions at full resolution take.
    """

    def __init__(self, bands: int, classes: int, width: int = REFINE_WIDTH) -> None:
        super().__init__()
        cell = CELL * CELL
        self.bands = bands
        self.enter = nn.Conv2d(cell * bands + classes, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(Residual(width), Residual(width))
        self.leave = nn.Conv2d(width, cell * classes, 1)

    def forward(self, bands: Tensor, coarse: Tensor) -> Tensor:
        """Return corrected logits (B, K, H, W)."""
        cells = functional.pixel_unshuffle(bands, CELL)
        entered = torch.cat([cells, _enlarged(coarse, cells.shape[2:])], dim=1)
        inner = self.blocks(functional.relu(self.norm(self.enter(entered))))
        correction = functional.pixel_shuffle(self.leave(inner), CELL)
        return _enlarged(coarse, bands.shape[2:]) + correction


def _enlarged(values: Tensor, size: Sequence[int]) -> Tensor:
    return functional.interpolate(values, size=tuple(size), mode="bilinear", align_corners=False)


class ForwardModel(PreTrainedModel):
    """What every kind of model has: channels in, logits of CLC+ classes for each pixel out.

    ``config.hexseal`` holds what a prediction needs besides weights: ``bands`` (channels), their
    ``mean`` and ``std`` (reflectance), ``class_codes`` in the order of the logits, and
    ``sealed_logit_offset``, which makes the mapped sealed area match the reference's.
    """

    @property
    def facts(self) -> dict[str, object]:
        """Return the ``hexseal`` section of the configuration."""
        return cast("dict[str, object]", self.config.hexseal)

    @property
    def bands(self) -> tuple[str, ...]:
        """Return the names of the bands, in the order of the input's channels."""
        return tuple(cast("list[str]", self.facts["bands"]))

    @property
    def class_codes(self) -> tuple[int, ...]:
        """Return the CLC+ code of each logit."""
        return tuple(cast("list[int]", self.facts["class_codes"]))

    def normalise(self, reflectance: Tensor) -> Tensor:
        """Return (reflectance - mean) / std of each band (B, C, H, W), 0 where it is NaN."""
        mean, std = (
            torch.tensor(self.facts[key], dtype=torch.float32, device=reflectance.device)
            for key in ("mean", "std")
        )
        scaled = (reflectance - mean[:, None, None]) / std[:, None, None]
        return torch.nan_to_num(scaled, nan=0.0, posinf=0.0, neginf=0.0)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return probabilities (B, K, H, W), the area-matching offset added to Sealed."""
        offset = float(cast(float, self.facts["sealed_logit_offset"]))
        shifted = logits.to(torch.float32, copy=True)
        shifted[:, self.class_codes.index(SEALED)] += offset
        return shifted.softmax(dim=1)


class ForwardSegformer(ForwardModel, SegformerForSemanticSegmentation):
    """SegFormer whose logits have the resolution of the image."""

    def __init__(self, config: SegformerConfig) -> None:
        super().__init__(config)
        self.decode_head = FusedDecodeHead(config)
        self._lay_out_as_grids()
        self.refine = Refinement(config.num_channels, len(config.id2label or ()))
        self.post_init()

    def _lay_out_as_grids(self) -> None:
        for module in list(self.modules()):
            if isinstance(module, SegformerMixMLP):
                module.dwconv = GridDepthwise(module.fc1.out_features)
            elif isinstance(module, SegformerAttention) and module.sequence_reduction_ratio > 1:
                module.sequence_reduction = GridReduction(
                    module.q_proj.in_features, module.sequence_reduction_ratio
                )

    def forward(self, pixel_values: Tensor, **kwargs: object) -> Prediction:  # type: ignore[override]
        """Return logits of normalised bands (B, C, H, W), missing ones 0; H and W at least 32."""
        del kwargs
        height, width = pixel_values.shape[2:]
        whole = padded(pixel_values)
        scales = self.segformer(whole, output_hidden_states=True).hidden_states
        coarse = self.decode_head(scales)
        logits = self.refine(whole, coarse)
        return Prediction(logits[:, :, :height, :width], coarse)


def padded(values: Tensor) -> Tensor:
    """Repeat the last rows and columns until both sides are multiples of 32."""
    height, width = values.shape[2:]
    down, right = -height % SMALLEST_SIDE, -width % SMALLEST_SIDE
    return (
        functional.pad(values, (0, right, 0, down), mode="replicate") if down or right else values
    )


def build_model(
    size: str,
    bands: Sequence[str],
    class_codes: Sequence[int],
    *,
    pretrained: str | None = None,
    drop_path: float = 0.0,
) -> ForwardSegformer:
    """Return a network of encoder ``size`` ("b0" to "b5").

    ``pretrained`` names a model of the Hugging Face hub or a folder with an ImageNet encoder
    (nvidia/mit-b2); where it cannot be reached the network starts from random weights.
    """
    model = ForwardSegformer(network_config(size, bands, class_codes, drop_path))
    if pretrained is not None:
        _start_from(model, pretrained)
    return model


def network_config(
    size: str, bands: Sequence[str], class_codes: Sequence[int], drop_path: float = 0.0
) -> SegformerConfig:
    """Return the configuration of a network, its normalisation still neutral."""
    if size not in ENCODERS:
        raise InputError(f"[model] size = {size!r} is not one of {', '.join(ENCODERS)}")
    depths, widths, decoder = ENCODERS[size]
    names = {place: class_name(code) for place, code in enumerate(class_codes)}
    config = SegformerConfig(
        num_channels=len(bands),
        depths=list(depths),
        hidden_sizes=list(widths),
        decoder_hidden_size=decoder,
        drop_path_rate=drop_path,
        classifier_dropout_prob=0.0,
        id2label=names,
        label2id={name: place for place, name in names.items()},
    )
    config.hexseal = {
        "format": FORMAT,
        "size": size,
        "bands": list(bands),
        "mean": [0.0] * len(bands),
        "std": [1.0] * len(bands),
        "class_codes": list(class_codes),
        "sealed_logit_offset": 0.0,
        "initial_weights": RANDOM,
    }
    return config


def _start_from(model: ForwardSegformer, pretrained: str) -> None:
    """Copy a pretrained encoder; its first convolution takes other bands than red, green, blue."""
    try:
        source = SegformerModel.from_pretrained(pretrained, use_safetensors=True)
    except (OSError, ValueError) as err:
        log.warning(
            "%s cannot be loaded (%s): training starts from random weights",
            pretrained,
            str(err).splitlines()[0].rstrip("."),
        )
        return
    weights = source.state_dict()
    own = model.segformer.state_dict()
    first = next(name for name in own if name.endswith("patch_embeddings.proj.weight"))
    weights[first] = adapt_first(weights[first], model.bands)
    wrong = [name for name in own if own[name].shape != weights.get(name, torch.empty(0)).shape]
    if wrong:
        raise InputError(
            f"{pretrained}: {wrong[0]} has another shape; give an encoder of this size"
        )
    model.segformer.load_state_dict(weights)
    model.facts["initial_weights"] = pretrained


def adapt_first(weight: Tensor, bands: Sequence[str]) -> Tensor:
    """Turn a first convolution (D, 3, k, k) of red, green, blue into one (D, bands, k, k).

    Visible bands keep their weights, others get the mean of the three; all are scaled so that
    the sum over channels answers as before.

    >>> adapt_first(torch.ones(1, 3, 1, 1), ["B02", "B08"]).flatten().tolist()
    [1.5, 1.5]
    """
    place = {RED: 0, GREEN: 1, BLUE: 2}
    mean = weight.mean(dim=1)
    names = [band_of(channel) for channel in bands]
    planes = [weight[:, place[band]] if band in place else mean for band in names]
    return torch.stack(planes, dim=1) * (weight.shape[1] / len(bands))
