"""The network of a trained SegFormer in the form that predicts fastest.

Same function, same weights, nothing to train: plain tensors in one data type, tokens in one layout
from the first convolution to the last. What no image changes is multiplied once: batch
normalisation into the convolution before it, the decode head's projections into its mixing, the
scale of attention into queries; keys and values come from one product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.segformer.modeling_segformer import SegformerLayer, SegformerStage

from hexseal_ml.model.network import CELL, ForwardSegformer, Refinement, Residual, padded

# Queries that attend at a time on a processor, so that what they make stays near it.
QUERIES = 2048
# Rows of a quarter of the resolution that the head sums and classifies at a time, as well.
STRIP = 32


@dataclass(frozen=True, slots=True)
class Form:
    """Device and data type of what is multiplied."""

    device: torch.device
    dtype: torch.dtype

    def of(self, value: Tensor) -> Tensor:
        """Return a copy of a weight, convolutions with channels last in memory."""
        ready = value.detach().to(self.device, self.dtype)
        is_grid = ready.ndim == 4
        return ready.contiguous(
            memory_format=torch.channels_last if is_grid else torch.contiguous_format
        )


class Affine:
    """``values @ weight.T + bias`` over the last axis."""

    def __init__(self, form: Form, weight: Tensor, bias: Tensor | None) -> None:
        self.weight, self.bias = form.of(weight), None if bias is None else form.of(bias)

    def __call__(self, values: Tensor) -> Tensor:
        """Return (..., D) of (..., C)."""
        return functional.linear(values, self.weight, self.bias)


class Norm:
    """Layer normalisation over the last axis; on processors its factors stay in fp32."""

    def __init__(self, form: Form, norm: nn.LayerNorm) -> None:
        dtype = torch.float32 if form.device.type == "cpu" else form.dtype
        self.weight, self.bias = (
            part.detach().to(form.device, dtype) for part in (norm.weight, norm.bias)
        )
        self.eps = norm.eps

    def __call__(self, values: Tensor) -> Tensor:
        """Keep the shape (..., C)."""
        return functional.layer_norm(values, values.shape[-1:], self.weight, self.bias, self.eps)


class Convolution:
    """A convolution on grids (B, h, w, C), with a batch normalisation after it if there is one."""

    def __init__(self, form: Form, layer: nn.Conv2d, norm: nn.BatchNorm2d | None = None) -> None:
        weight = layer.weight.detach()
        bias = torch.zeros(len(weight)) if layer.bias is None else layer.bias.detach()
        if norm is not None:
            scale, shift = _scale_and_shift(norm)
            weight, bias = weight * scale[:, None, None, None], bias * scale + shift
        self.weight, self.bias = form.of(weight), form.of(bias)
        self.stride, self.padding, self.groups = layer.stride, layer.padding, layer.groups

    def __call__(self, grid: Tensor) -> Tensor:
        """Return (B, h, w, D) of (B, h, w, C)."""
        found = functional.conv2d(
            grid.permute(0, 3, 1, 2), self.weight, self.bias,
            self.stride, cast("tuple[int, int]", self.padding), 1, self.groups,
        )  # fmt: skip
        return found.permute(0, 2, 3, 1)


def _scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return what a batch normalisation multiplies with and adds."""
    mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
    scale = norm.weight.detach() / torch.sqrt(variance + norm.eps)
    return scale, norm.bias.detach() - scale * mean


class Block:
    """One transformer block: attention to fewer keys, then the mix of Mix-FFN, both added."""

    def __init__(self, form: Form, layer: SegformerLayer) -> None:
        attention, mix = layer.attention, layer.mlp
        self.heads = attention.num_attention_heads
        self.before, self.after = (
            Norm(form, norm) for norm in (layer.layernorm_before, layer.layernorm_after)
        )
        query, key, value = attention.q_proj, attention.k_proj, attention.v_proj
        scale = attention.scaling
        self.query = Affine(form, query.weight * scale, query.bias * scale)
        self.key_value = Affine(
            form, torch.cat([key.weight, value.weight]), torch.cat([key.bias, value.bias])
        )
        self.out = Affine(form, attention.o_proj.weight, attention.o_proj.bias)
        self.reduction: tuple[Convolution, Norm] | None = None
        if attention.sequence_reduction_ratio > 1:
            fewer = attention.sequence_reduction
            self.reduction = (
                Convolution(form, fewer.sequence_reduction), Norm(form, fewer.layer_norm)
            )  # fmt: skip
        self.widen = Affine(form, mix.fc1.weight, mix.fc1.bias)
        self.depthwise = Convolution(form, mix.dwconv.dwconv)
        self.narrow = Affine(form, mix.fc2.weight, mix.fc2.bias)

    def __call__(self, grid: Tensor) -> Tensor:
        """Keep the shape (B, h, w, C)."""
        grid = self._attended(self.before(grid)).add_(grid)
        # On tokens: GELU is several times slower on a grid.
        wide = self.depthwise(self.widen(self.after(grid))).flatten(1, 2)
        return self.narrow(functional.gelu(wide)).view(grid.shape).add_(grid)

    def _attended(self, grid: Tensor) -> Tensor:
        fewer = grid
        if self.reduction is not None:
            convolution, norm = self.reduction
            fewer = norm(convolution(grid))
        queries = self._by_head(self.query(grid))
        keys, values = map(self._by_head, self.key_value(fewer).chunk(2, dim=-1))
        found = _attention(queries, keys, values)
        return self.out(found.transpose(1, 2).reshape(grid.shape))

    def _by_head(self, grid: Tensor) -> Tensor:
        """Return (B, heads, tokens, C / heads) of (B, h, w, C)."""
        return grid.flatten(1, 2).unflatten(2, (self.heads, -1)).transpose(1, 2)


def _attention(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attend with queries (B, heads, tokens, C) that are scaled already.

    On processors products of so many queries at a time are faster than torch's own attention.
    """
    if queries.device.type != "cpu":
        return functional.scaled_dot_product_attention(queries, keys, values, scale=1.0)
    keys = keys.transpose(2, 3)
    parts = [(part @ keys).softmax(dim=-1) @ values for part in queries.split(QUERIES, dim=2)]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)


class Stage:
    """One scale of the encoder."""

    def __init__(self, form: Form, stage: SegformerStage) -> None:
        embeddings = stage.patch_embeddings
        self.embed = Convolution(form, embeddings.proj)
        self.embedded = Norm(form, embeddings.layer_norm)
        self.blocks = [Block(form, cast(SegformerLayer, block)) for block in stage.blocks]
        self.last = Norm(form, stage.layer_norm)

    def __call__(self, grid: Tensor) -> Tensor:
        """Return a coarser grid (B, h, w, C) of a finer one."""
        grid = self.embedded(self.embed(grid))
        for block in self.blocks:
            grid = block(grid)
        return self.last(grid)


class Head:
    """The decode head: each scale projected and mixed in one product, enlarged and summed."""

    def __init__(self, form: Form, network: ForwardSegformer) -> None:
        head = network.decode_head
        scale, shift = _scale_and_shift(head.batch_norm)
        weights, biases = zip(*head.projections(), strict=True)
        # Enlarging keeps what is the same everywhere, so the smallest grid brings all of it.
        added = [None] * (len(weights) - 1) + [scale * sum(biases) + shift]
        self.parts = [
            Affine(form, scale[:, None] * weight, bias)
            for weight, bias in zip(weights, added, strict=True)
        ]
        classify = cast(nn.Conv2d, head.classifier)
        self.classify = Affine(form, classify.weight.flatten(1), cast(Tensor, classify.bias))

    def __call__(self, scales: Sequence[Tensor]) -> Tensor:
        """Return logits (B, h, w, K) of four scales (B, h, w, C), the finest first."""
        height, width = scales[0].shape[1:3]
        coarser = [part(grid) for part, grid in zip(self.parts[1:], scales[1:], strict=True)]
        # Along their rows first: one product with the weights of all then does the other direction
        # and the sum, which spares reading and writing the largest grid again for each.
        rows = torch.cat(
            [_enlarged(grid, (grid.shape[1], width)).flatten(2) for grid in coarser], dim=1
        )
        weights = torch.cat([_row_weights(grid.shape[1], height) for grid in coarser], dim=1)
        strips = zip(scales[0].split(STRIP, dim=1), weights.to(rows).split(STRIP), strict=True)
        return torch.cat([self._strip(finest, rows, weight) for finest, weight in strips], dim=1)

    def _strip(self, finest: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
        """Return logits (B, s, w, K) of s rows, ``weights`` (s, n) those of the n enlarged rows."""
        total = self.parts[0](finest)
        for image, each in zip(total.flatten(2), rows, strict=True):
            image.addmm_(weights, each)
        return self.classify(total.relu_())


class Refine:
    """The refinement of logits at full resolution."""

    def __init__(self, form: Form, refinement: Refinement) -> None:
        enter = refinement.enter
        bands = CELL * CELL * refinement.bands
        # Cells come with their bands last, stock order has the place within the cell last.
        own, coarse = enter.weight.detach().split([bands, enter.in_channels - bands], dim=1)
        own = own.unflatten(1, (refinement.bands, CELL * CELL)).transpose(1, 2).flatten(1, 2)
        self.enter = Convolution(form, enter, refinement.norm)
        scale, _ = _scale_and_shift(refinement.norm)
        self.enter.weight = form.of(torch.cat([own, coarse], dim=1) * scale[:, None, None, None])
        self.blocks = [
            Convolution(form, block.convolution, block.norm)
            for block in cast("Sequence[Residual]", refinement.blocks)
        ]
        leave = refinement.leave
        self.leave = Affine(form, leave.weight.flatten(1), cast(Tensor, leave.bias))

    def __call__(self, bands: Tensor, coarse: Tensor) -> Tensor:
        """Return logits (B, K, H, W) in fp32 of bands (B, H, W, C) and coarse (B, h, w, K)."""
        batch, height, width, _ = bands.shape
        cells = bands.unflatten(2, (-1, CELL)).unflatten(1, (-1, CELL)).transpose(2, 3)
        cells = cells.reshape(batch, height // CELL, width // CELL, -1)
        inner = self.enter(torch.cat([cells, _enlarged(coarse, cells.shape[1:3])], dim=3)).relu_()
        for block in self.blocks:
            inner = block(inner).relu_().add_(inner)
        correction = self.leave(inner).unflatten(3, (-1, CELL, CELL))  # (B, h, w, K, 2, 2)
        correction = correction.permute(0, 3, 1, 4, 2, 5)
        logits = functional.interpolate(
            coarse.permute(0, 3, 1, 2).float().contiguous(),
            size=(height, width), mode="bilinear", align_corners=False,
        )  # fmt: skip
        logits.view(correction.shape).add_(correction)
        return logits


@lru_cache(maxsize=32)
def _row_weights(rows: int, height: int) -> Tensor:
    """Return how much each of ``rows`` counts for each of ``height`` (height, rows), bilinearly."""
    one = torch.eye(rows)[None]
    return functional.interpolate(one, size=height, mode="linear", align_corners=False)[0].T


def _enlarged(grid: Tensor, size: Sequence[int]) -> Tensor:
    """Enlarge a grid (B, h, w, C) bilinearly."""
    found = functional.interpolate(
        grid.permute(0, 3, 1, 2), size=tuple(size), mode="bilinear", align_corners=False
    )
    return found.permute(0, 2, 3, 1)


class FastSegformer:
    """Logits of a trained SegFormer; later changes of its weights do not count."""

    def __init__(self, network: ForwardSegformer, device: torch.device, dtype: torch.dtype) -> None:
        self.form = Form(device, dtype)
        with torch.no_grad():
            self.stages = [
                Stage(self.form, cast(SegformerStage, stage)) for stage in network.segformer.stages
            ]
            self.head = Head(self.form, network)
            self.refine = Refine(self.form, network.refine)

    def __call__(self, values: Tensor) -> Tensor:
        """Return logits (B, K, H, W) in fp32 of normalised bands (B, C, H, W), missing ones 0."""
        height, width = values.shape[2:]
        whole = padded(values).to(self.form.device, self.form.dtype)
        grid = whole.permute(0, 2, 3, 1).contiguous()
        scales = [grid]
        for stage in self.stages:
            scales.append(stage(scales[-1]))
        logits = self.refine(grid, self.head(scales[1:]))
        return logits[:, :, :height, :width]
