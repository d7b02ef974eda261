"""Training: AdamW with warm-up and a cosine, a running average of weights, the best kept."""

import copy
import csv
import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.tensorboard import SummaryWriter

from hexseal.errors import InputError
from hexseal.progress import Progress as Report
from hexseal.storage.files import whole_file, write_bytes
from hexseal.types import Bytes, Floats
from hexseal_ml.data.sampling import (
    Plot,
    Sampler,
    band_statistics,
    class_counts,
    plots,
    validation_crops,
)
from hexseal_ml.data.scenes import Scene
from hexseal_ml.data.sources import Source
from hexseal_ml.data.split import TRAIN, VALIDATION
from hexseal_ml.model.classes import IGNORE, SEALED
from hexseal_ml.model.folder import load_model, model_checksum, save_model
from hexseal_ml.model.network import ForwardModel, Prediction, build_model
from hexseal_ml.model.tempcnn import build_tempcnn
from hexseal_ml.train.card import NOTICE, model_card
from hexseal_ml.train.config import Schedule, TrainConfig
from hexseal_ml.train.state import Progress, load_state, save_state
from hexseal_ml.train.validation import (
    Validation,
    drift,
    sealed_accuracy,
    spread,
    validate,
    widened,
)

log = logging.getLogger(__name__)

# Weight of the loss on the coarse logits, which teaches the transformer directly.
COARSE_LOSS = 0.4
CLIP = 1.0
VALIDATION_SIDE = 512
HISTORY = "validation.csv"
BEST = "best"
# Scenes that the drift between two images of one place is measured on.
DRIFT_SCENES = 16
STEPS = "training.csv"

Batch = tuple[Floats, Bytes]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the model lies and how good it is on validation blocks."""

    folder: Path
    figures: dict[str, float]
    step: int


def train(
    config: TrainConfig,
    scenes: Sequence[tuple[Scene, int | None]],
    *,
    report: Report,
    log_line: Callable[[str], None],
    fresh: bool = False,
    finish: bool = False,
) -> Outcome:
    """Train until the schedule ends, then write the best model; a killed training resumes.

    ``finish`` takes no further step and writes the best model so far.
    """
    learner = Learner(config, scenes, log_line)
    if not fresh:
        learner.resume()
    if not finish:
        learner.run(report)
    elif not learner.progress.history:
        raise InputError(f"{learner.work}: no validation is finished yet; train first")
    return learner.publish()


def training_key(config: TrainConfig) -> str:
    """Return a key of all that changes the result, so that only the same training is resumed."""
    facts = asdict(config)
    for free in ("path", "out", "cache", "half", "blend"):
        facts.pop(free)
    # Chosen when the training is over.
    facts["schedule"].pop("offset_real")
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def learning_rate(schedule: Schedule, done: float) -> float:
    """Return the rate after ``done`` (0 to 1) of the schedule: a linear rise, then a cosine.

    >>> round(learning_rate(Schedule(learning_rate=1.0, warmup=0.1), 0.05), 3)
    0.5
    """
    if done < schedule.warmup:
        return schedule.learning_rate * max(done / schedule.warmup, 0.01)
    falling = (done - schedule.warmup) / (1 - schedule.warmup)
    return schedule.learning_rate * max(0.5 * (1 + math.cos(math.pi * min(falling, 1.0))), 0.002)


def class_weights(kind: str, counts: Sequence[int]) -> Tensor | None:
    """Return weights of the classes with mean 1 over pixels, None for equal ones.

    Weighted losses raise the recall of rare classes and with it their mapped area; the matched
    offset takes that bias back. Without weights the loss is a proper score and needs less of it.
    """
    if kind == "none":
        return None
    shares = torch.tensor(counts, dtype=torch.float64)
    shares = shares / shares.sum()
    raw = torch.where(shares > 0, shares.clamp_min(1e-6), 1.0).pow(
        -1.0 if kind == "inverse" else -0.5
    )
    raw = raw.clamp_max(raw[shares > 0].min() * 50)
    return (raw / (raw * shares).sum()).float()


def pixel_times(is_sealed: Tensor, taught: int, schedule: Schedule) -> Tensor:
    """Return how often each pixel (B, H, W) of a batch counts; its first crops are ``taught``."""
    times = torch.ones(is_sealed.shape, device=is_sealed.device)
    times[taught:][is_sealed[taught:]] = schedule.sealed_weight
    natural = ~is_sealed[:taught].flatten(1).any(dim=1)
    times[:taught][natural] = schedule.natural_weight
    times[:taught][is_sealed[:taught]] = schedule.real_sealed_weight
    return times


class Learner:
    """A training in progress: model, optimizer, data and where its files go."""

    def __init__(
        self,
        config: TrainConfig,
        scenes: Sequence[tuple[Scene, int | None]],
        log_line: Callable[[str], None],
    ) -> None:
        self.config, self.log_line = config, log_line
        schedule = config.schedule
        torch.manual_seed(schedule.seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        grounds = plots(scenes, config.split, TRAIN, schedule.seed)
        self.held_out = plots(scenes, config.split, VALIDATION, schedule.seed)
        self.crops, self.real_crops = (
            validation_crops(
                group, config.bands, VALIDATION, VALIDATION_SIDE,
                schedule.validation_pixels, schedule.seed,
            ) if group else []
            for group in _by_origin(self.held_out)
        )  # fmt: skip
        self.model = self._new_model(grounds)
        self.average = copy.deepcopy(self.model).eval()
        counts = class_counts(grounds, config.class_codes)
        self.class_pixels = counts.tolist()
        weights = class_weights(schedule.class_weights, counts.tolist())
        self.weights = None if weights is None else weights.to(self.device)
        self.sampler = Sampler(
            grounds, config.bands, schedule.crop, schedule.batch, schedule.focus,
            config.augmentation, schedule.seed, schedule.real_share,
        )  # fmt: skip
        self.optimizer = torch.optim.AdamW(
            _decayed(self.model, schedule.weight_decay), schedule.learning_rate
        )
        self.work = config.out.with_name(f".{config.out.name}.training")
        start = str(self.model.facts["initial_weights"])
        self.progress = Progress(training_key(config), start)
        log_line(
            f"{len(grounds)} training scenes, {len(self.crops)} validation crops, "
            f"{sum(p.numel() for p in self.model.parameters()) / 1e6:.1f} million parameters, "
            f"on {self.device.type} in {'bf16' if self._is_bf16() else 'fp32'}"
        )

    def resume(self) -> None:
        """Go on where a training of the same configuration stopped."""
        found = load_state(self.work, self.progress.key, self.model, self.average, self.optimizer)
        if found is not None:
            self.progress = found
            self._cut_log(found.step)
            self.log_line(f"resuming after step {found.step}, {found.seconds / 60:.0f} min")

    def run(self, report: Report) -> None:
        """Take steps until the schedule ends; validate and save now and then."""
        if self._done() >= 1:
            return
        schedule = self.config.schedule
        writer = SummaryWriter(str(self.work / "tensorboard"))
        losses: list[float] = []
        for batch in self._batches():
            started = time.monotonic()
            losses.append(self._step(batch))
            self.progress.step += 1
            self.progress.seconds += time.monotonic() - started
            self._log_step(losses[-1])
            report("training", round(self._done() * schedule.steps), schedule.steps)
            last = self._done() >= 1
            if last or self.progress.step % schedule.validate_every == 0:
                self._validate(float(np.mean(losses)), writer)
                losses.clear()
            if last:
                break
        writer.close()

    def publish(self) -> Outcome:
        """Write the best model with its offset, figures and card."""
        best = self._best()
        found = self._found(best, self.crops or self.real_crops)
        real = self._found(best, self.real_crops) if self.real_crops and self.crops else None
        offset = self._offset(found, real)
        figures = found.figures(offset)
        plain = found.figures()
        facts = best.facts
        facts["sealed_logit_offset"] = round(offset, 4)
        facts["metrics"] = {
            "validation": figures,
            "validation_without_offset": plain,
            "iou": found.iou_by_class(),
        }
        if real is not None:
            facts["metrics"]["real"] = real.figures(offset) | {
                "offset_that_matches_area": round(real.matched_offset(), 4)
            }
        tested = [found] if real is None else [found, real]
        known = sealed_accuracy(tested, offset)
        labelled = _by_origin(self.held_out)[0]
        apart = spread(best, labelled, known, offset, self.device, self._precision())
        if apart is not None:
            known, facts["metrics"]["spread"] = widened(known, apart), apart
        facts["metrics"]["sealed_accuracy"] = known
        moved = drift(best, labelled[:DRIFT_SCENES], offset, self.device, self._precision())
        if moved is not None:
            facts["metrics"]["drift"] = moved
        facts["initial_weights"] = self.progress.initial_weights
        facts["training"] = self._facts()
        best.config.hexseal = facts
        save_model(
            best, self.config.out, model_card(facts),
            texts=self._logs(), half=self.config.half,
        )  # fmt: skip
        return Outcome(self.config.out, figures, self.progress.step)

    def _offset(self, labelled: Validation, real: Validation | None) -> float:
        """Return what makes areas right: on labelled ground, on real, or between the two."""
        offset = labelled.matched_offset()
        if real is None:
            return offset
        return offset + self.config.schedule.offset_real * (real.matched_offset() - offset)

    def _new_model(self, grounds: Sequence[Plot]) -> ForwardModel:
        config = self.config
        if config.start is not None:
            model = load_model(config.start)
            if model.bands != config.bands or model.class_codes != config.class_codes:
                raise InputError(f"{config.start}: has other bands or classes than [model] wants")
            model.facts["initial_weights"] = f"{config.start.name} {model_checksum(config.start)}"
            return cast(ForwardModel, cast(nn.Module, model).to(self.device))
        model = (
            build_tempcnn(config.bands, config.class_codes)
            if config.kind == "tempcnn"
            else build_model(
                config.size, config.bands, config.class_codes,
                pretrained=config.pretrained, drop_path=config.schedule.drop_path,
            )
        )  # fmt: skip
        statistics = band_statistics(grounds, config.bands, config.schedule.seed)
        model.facts["mean"], model.facts["std"] = statistics
        return cast(ForwardModel, cast(nn.Module, model).to(self.device))

    def _batches(self) -> Iterator[Batch]:
        """Draw the next batch in a thread while the present one is learned."""
        with ThreadPoolExecutor(1) as pool:
            step = self.progress.step
            upcoming = pool.submit(self.sampler.draw, step)
            while True:
                batch = upcoming.result()
                step += 1
                upcoming = pool.submit(self.sampler.draw, step)
                yield batch

    def _step(self, batch: Batch) -> float:
        schedule = self.config.schedule
        torch.manual_seed(schedule.seed * 1_000_003 + self.progress.step)
        self.model.train()
        if schedule.freeze_statistics:
            _freeze(self.model)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(schedule, self._done())
        values = self.model.normalise(torch.from_numpy(batch[0]).to(self.device))
        target = torch.from_numpy(self._indices(batch[1])).to(self.device)
        with self._precision():
            prediction = self.model(values)
            loss = self._loss(prediction, target)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        self._follow()
        return float(loss.detach())

    def _loss(self, prediction: Prediction, target: Tensor) -> Tensor:
        """Return cross-entropy of both outputs; unknown pixels do not count."""
        known = max(int((target != IGNORE).sum()), 1)
        entropy = self._entropy(prediction.logits, target) / known
        if prediction.coarse is not None:
            large = functional.interpolate(
                prediction.coarse, size=target.shape[1:], mode="bilinear", align_corners=False
            )
            entropy = entropy + COARSE_LOSS * self._entropy(large, target) / known
        share = self.config.schedule.dice
        if not share:
            return entropy
        place = self.config.class_codes.index(SEALED)
        return entropy + share * dice_loss(prediction.logits, target, place)

    def _entropy(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the summed cross-entropy of logits (B, K, H, W)."""
        each = functional.cross_entropy(
            logits.float(), target, weight=self.weights, ignore_index=IGNORE, reduction="none"
        )
        place = self.config.class_codes.index(SEALED)
        times = pixel_times(target == place, self.sampler.real, self.config.schedule)
        return (each * times).sum()

    def _indices(self, codes: Bytes) -> np.ndarray:
        table = np.full(256, IGNORE, np.int64)
        table[list(self.config.class_codes)] = np.arange(len(self.config.class_codes))
        return table[codes]

    def _follow(self) -> None:
        """Move the running average of the weights a little towards them."""
        keep = min(self.config.schedule.smoothing, self.progress.step / (self.progress.step + 10))
        with torch.no_grad():
            mine, theirs = self.model.state_dict(), self.average.state_dict()
            floats = [name for name, value in mine.items() if value.is_floating_point()]
            for name in floats:
                theirs[name].lerp_(mine[name], 1 - keep)

    def _validate(self, loss: float, writer: SummaryWriter) -> None:
        found = self._found(self.average, self.crops or self.real_crops)
        step, figures = self.progress.step, found.figures(found.matched_offset())
        row = {
            "step": step, "minutes": self.progress.seconds / 60, "loss": loss,
            "learning_rate": self.optimizer.param_groups[0]["lr"], **figures,
            "bias_without_offset": found.figures()["sealed_share_bias"],
        }  # fmt: skip
        if self.real_crops:
            real = self._found(self.average, self.real_crops)
            row |= {
                "real_iou_sealed": real.figures(real.matched_offset())["iou_sealed"],
                "real_offset": real.matched_offset(), "offset": found.matched_offset(),
                "real_bias_without_offset": real.figures()["sealed_share_bias"],
            }  # fmt: skip
        self.progress.history.append(row)
        for key, value in row.items():
            writer.add_scalar(key, value, step)
        writer.flush()
        self.log_line(_line(row))
        score = (figures["iou_sealed"] + row.get("real_iou_sealed", figures["iou_sealed"])) / 2
        if score > self.progress.best_iou:
            self.progress.best_iou = score
            save_model(self.average, self.work / BEST, "The best weights so far.\n")
        self._write_history()
        save_state(self.work, self.progress, self.model, self.average, self.optimizer)

    def _cut_log(self, step: int) -> None:
        """Drop rows of steps that are taken again."""
        path = self.work / STEPS
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        write_bytes(path, "".join(lines[: step + 1]).encode())

    def _log_step(self, loss: float) -> None:
        """Append a row to the log of steps."""
        path = self.work / STEPS
        is_first = self.progress.step == 1
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if is_first else "a", encoding="utf-8") as file:
            if is_first:
                file.write("step,minutes,loss,learning_rate\n")
            rate = self.optimizer.param_groups[0]["lr"]
            minutes = self.progress.seconds / 60
            file.write(f"{self.progress.step},{minutes:.3f},{loss:.5f},{rate:.3e}\n")

    def _found(self, model: ForwardModel, crops: Sequence[tuple[Floats, Bytes]]) -> Validation:
        return validate(model, crops, self.device, self._precision())

    def _logs(self) -> dict[str, str]:
        """Return the log of every step, and the figures of every validation."""
        logs = {name: (self.work / name).read_text(encoding="utf-8") for name in (STEPS, HISTORY)}
        if any(source.taught is not None for source in self.config.sources):
            logs["NOTICE.txt"] = NOTICE
        return logs

    def _write_history(self) -> None:
        with (
            whole_file(self.work / HISTORY) as partial,
            partial.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, list(self.progress.history[0]))
            writer.writeheader()
            writer.writerows(self.progress.history)

    def _kept_step(self) -> int:
        """Return the step of the best validation."""
        scores = [
            (row["iou_sealed"] + row.get("real_iou_sealed", row["iou_sealed"])) / 2
            for row in self.progress.history
        ]
        return int(self.progress.history[int(np.argmax(scores))]["step"])

    def _best(self) -> ForwardModel:
        best = load_model(self.work / BEST)
        if self.config.blend < 1:
            _blend(best, load_model(cast(Path, self.config.start)), self.config.blend)
        return cast(ForwardModel, cast(nn.Module, best).to(self.device).eval())

    def _done(self) -> float:
        """Return how much of the schedule is over, by steps or by minutes, 0 to 1."""
        schedule = self.config.schedule
        by_steps = self.progress.step / schedule.steps
        if schedule.budget_minutes is None:
            return by_steps
        return max(by_steps, self.progress.seconds / 60 / schedule.budget_minutes)

    def _is_bf16(self) -> bool:
        if self.config.schedule.precision != "auto":
            return self.config.schedule.precision == "bf16"
        return self.device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()

    def _precision(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._is_bf16())

    def _facts(self) -> dict[str, object]:
        """Return what a reader of the model must know of its training."""
        facts = asdict(self.config.schedule)
        return {
            **facts,
            "sources": [_source_facts(source) for source in self.config.sources],
            "split": asdict(self.config.split),
            "class_pixels": self.class_pixels,
            "steps_taken": self.progress.step,
            "step_kept": self._kept_step(),
            "minutes": round(self.progress.seconds / 60, 1),
            "pretrained": self.config.pretrained,
            "blend": self.config.blend,
            "torch": torch.__version__,
        }


def _source_facts(source: Source) -> dict[str, object]:
    """Return what a source is, without the folder that it lies in on this machine."""
    facts = {k: v for k, v in asdict(source).items() if v not in ((), "", None)}
    if source.taught is not None:
        taught = asdict(source.taught) | {"folder": source.taught.folder.name}
        facts["taught"] = {k: v for k, v in taught.items() if v not in ((), "", False)}
    return facts


def _decayed(model: nn.Module, decay: float) -> list[dict[str, object]]:
    """Return parameter groups; norms and biases are not pulled towards zero."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": decay},
        {"params": vectors, "weight_decay": 0.0},
    ]


def dice_loss(logits: Tensor, target: Tensor, place: int) -> Tensor:
    """Return 1 - Dice of the probability of class ``place``; IGNORE does not count.

    ``logits`` (B, K, H, W), ``target`` (B, H, W); the sums run over the whole batch.
    """
    known = target != IGNORE
    probability = logits.float().softmax(dim=1)[:, place] * known
    truth = ((target == place) & known).float()
    both = (probability * truth).sum()
    return 1 - (2 * both + 1) / (probability.sum() + truth.sum() + 1)


def _blend(model: nn.Module, start: nn.Module, share: float) -> None:
    """Move weights back towards those that training started from; ``share`` is what is kept.

    The mean of both keeps most of what was learnt of new images and loses less on the old ones
    (Wortsman et al. 2022, WiSE-FT).
    """
    old = start.state_dict()
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                value.lerp_(old[name].to(value), 1 - share)


def _freeze(model: nn.Module) -> None:
    """Keep the statistics of batch normalisation as they are."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _by_origin(held_out: Sequence[Plot]) -> tuple[list[Plot], list[Plot]]:
    """Return plots with labels of their own, and real ones that a teacher labelled."""
    real = [plot for plot in held_out if plot.scene.is_taught]
    return [plot for plot in held_out if not plot.scene.is_taught], real


def _line(row: dict[str, float]) -> str:
    return (
        f"step {row['step']}, {row['minutes']:.1f} min: loss {row['loss']:.3f}, "
        f"IoU Sealed {row['iou_sealed']:.3f}, mean {row['iou_mean']:.3f}, "
        f"bias of the sealed share {row['bias_without_offset']:+.2f} pp without offset"
    )
