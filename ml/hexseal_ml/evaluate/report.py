"""The report of an evaluation: report.json for programs, report.html for people, in one file."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import transformers
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hexseal import __version__
from hexseal.storage.files import write_bytes
from hexseal_ml.evaluate.baselines import LEAF, TREES
from hexseal_ml.evaluate.metrics import (
    CLASS_FIGURES,
    REPLICATES,
    SEED,
    Calibration,
    HexagonAgreement,
)
from hexseal_ml.evaluate.pictures import COLORS
from hexseal_ml.evaluate.stage import Compared, Evaluation, Tested
from hexseal_ml.model.classes import CODES, class_name

SIZE, MARGIN = 320, 46
TICKS = 5


def reliability_chart(found: Calibration) -> str:
    """Return observed share over predicted probability; points on the diagonal are right."""
    points = [
        (100 * p, 100 * o, n)
        for p, o, n in zip(found.predicted, found.observed, found.pixels, strict=True)
        if n
    ]
    most = max((n for _, _, n in points), default=1)
    dots = "".join(
        f'<circle cx="{_x(p, 100):.1f}" cy="{_y(o, 100):.1f}" '
        f'r="{2.5 + 5 * math.log1p(n) / math.log1p(most):.1f}"/>'
        for p, o, n in points
    )
    line = " ".join(f"{_x(p, 100):.1f},{_y(o, 100):.1f}" for p, o, _ in points)
    body = f'<polyline class="line" points="{line}"/><g class="dots">{dots}</g>'
    return _frame(
        "Reliability of the sealed probability",
        "Sealed probability (%)", "Sealed in the label (%)", 100, body,
    )  # fmt: skip


def scatter_chart(found: HexagonAgreement) -> str:
    """Return mapped over reference share of each hexagon."""
    highest = max([*found.reference.tolist(), *found.mapped.tolist(), 1.0])
    limit = _round_up(highest)
    dots = "".join(
        f'<circle cx="{_x(r, limit):.1f}" cy="{_y(m, limit):.1f}" r="2.5"/>'
        for r, m in zip(found.reference, found.mapped, strict=True)
    )
    return _frame(
        "Sealed share per hexagon",
        "Label (% of pixels)", "Map (% of pixels)", limit, f'<g class="dots">{dots}</g>',
    )  # fmt: skip


def _round_up(value: float) -> float:
    """Return the next number of 1, 2, 5, 10, 20, ... from ``value`` on.

    >>> _round_up(3.2), _round_up(70.0)
    (5.0, 100.0)
    """
    scale = 10.0 ** math.floor(math.log10(value))
    return next(step * scale for step in (1.0, 2.0, 5.0, 10.0) if step * scale >= value)


def _x(value: float, limit: float) -> float:
    return MARGIN + value / limit * (SIZE - MARGIN - 12)


def _y(value: float, limit: float) -> float:
    return SIZE - MARGIN - value / limit * (SIZE - MARGIN - 12)


def _frame(title: str, across: str, up: str, limit: float, body: str) -> str:
    ticks = [limit * step / TICKS for step in range(TICKS + 1)]
    return (
        f'<svg viewBox="0 0 {SIZE} {SIZE}" role="img" aria-label="{title}">'
        f'<line class="diagonal" x1="{_x(0, 1)}" y1="{_y(0, 1)}" x2="{_x(1, 1)}" y2="{_y(1, 1)}"/>'
        f'<path class="axes" d="M{_x(0, 1)} {_y(1, 1)}V{_y(0, 1)}H{_x(1, 1)}"/>'
        f"{_labels(ticks, limit)}{body}"
        f'<text class="axis" x="{(_x(0, 1) + _x(1, 1)) / 2}" y="{SIZE - 8}">{across}</text>'
        f'<text class="axis" transform="translate(12 {(_y(0, 1) + _y(1, 1)) / 2}) rotate(-90)">'
        f"{up}</text></svg>"
    )


def _labels(ticks: Sequence[float], limit: float) -> str:
    return "".join(
        f'<text class="tick" x="{_x(t, limit):.1f}" y="{SIZE - MARGIN + 16}">{t:g}</text>'
        f'<text class="tick up" x="{MARGIN - 6}" y="{_y(t, limit) + 4:.1f}">{t:g}</text>'
        for t in ticks
    )


# The rows of the main table: name, digits, whether it is a share in percent.
SCALARS = (
    ("iou_sealed", 3, "IoU of Sealed"),
    ("iou_mean", 3, "Mean IoU of all classes"),
    ("f1_sealed", 3, "F1 of Sealed"),
    ("users_sealed", 3, "User's accuracy of Sealed"),
    ("producers_sealed", 3, "Producer's accuracy of Sealed"),
    ("overall_accuracy", 3, "Overall accuracy"),
    ("iou_sealed_interior", 3, "IoU of Sealed in the interior"),
    ("iou_sealed_edge", 3, "IoU of Sealed on edges"),
    ("sealed_share", 2, "Sealed share of the map (%)"),
    ("sealed_share_reference", 2, "Sealed share of the label (%)"),
    ("sealed_share_bias", 2, "Bias of the sealed share (pp)"),
    ("hexagon_bias", 2, "Bias of the share per hexagon (pp)"),
    ("hexagon_rmse", 2, "RMSE of the share per hexagon (pp)"),
)
PARTS = {
    "whole": "The whole image",
    "best": "The best block",
    "median": "The median block",
    "worst": "The worst block",
}
KINDS = {
    "image": "Image",
    "label": "Label",
    "prediction": "Prediction",
    "difference": "Difference",
}


def write_report(evaluation: Evaluation) -> tuple[Path, Path]:
    """Write report.json and report.html into the folder of the evaluation."""
    out = evaluation.config.out
    paths = out / "report.json", out / "report.html"
    out.mkdir(parents=True, exist_ok=True)
    facts = report_facts(evaluation)
    write_bytes(paths[0], json.dumps(_clean(facts), indent=1).encode())
    write_bytes(paths[1], _html(evaluation).encode())
    return paths


def report_facts(evaluation: Evaluation) -> dict[str, object]:
    """Return all figures of an evaluation; names as in metrics.py, shares in percent."""
    config = evaluation.config
    return {
        "model": config.model.name,
        "model_checksum": evaluation.checksum,
        "versions": {
            "hexseal": __version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "block_km": config.block_km,
        "bootstrap": {"replicates": REPLICATES, "seed": SEED, "level": 0.95},
        "forest": {"trees": TREES, "min_samples_leaf": LEAF, "seed": 0},
        "tests": [_test_facts(test) for test in evaluation.tests],
        "tiles": {
            each.name: {
                share.name: {
                    "tiles": share.tiles, "mean": 100 * share.mean, "largest": 100 * share.largest
                }
                for share in shares
            }
            for each, shares in evaluation.tiles
        },
    }  # fmt: skip


def scalars_of(found: Compared) -> dict[str, float]:
    """Return every figure of one map that one quotes."""
    figures = found.confusion.figures().scalars()
    if found.confusion.codes != CODES:
        # The mean of two classes would pass for one of eleven.
        del figures["iou_mean"]
    hexagons = {"hexagon_bias": found.hexagons.bias, "hexagon_rmse": found.hexagons.rmse}
    return figures | found.edges | hexagons


def intervals_of(found: Compared) -> dict[str, tuple[float, float]]:
    """Return the interval of each of those figures that comes with one."""
    known = scalars_of(found)
    return {name: ends for name, ends in found.confusion.intervals().items() if name in known}


def _test_facts(tested: Tested) -> dict[str, object]:
    known = tested.calibration
    return {
        "name": tested.test.name,
        "image": tested.test.image,
        "label": tested.test.label,
        "label_sha256": tested.label_sha256,
        "bands": list(tested.bands),
        "pixels_by_class": {str(code): number for code, number in tested.pixels.items()},
        "warnings": list(tested.warnings),
        "maps": {name: _map_facts(found) for name, found in tested.compared.items()},
        "calibration": None
        if known is None
        else {
            "pixels": known.pixels.tolist(),
            "predicted": known.predicted.tolist(),
            "observed": known.observed.tolist(),
            "expected_calibration_error": known.expected_error,
            "brier": known.brier,
        },
    }


def _map_facts(found: Compared) -> dict[str, object]:
    figures = found.confusion.figures()
    names = (*CLASS_FIGURES, "mapped_share", "reference_share")
    return {
        "title": found.title,
        "figures": scalars_of(found),
        "intervals": intervals_of(found),
        "codes": list(figures.codes),
        "confusion": found.confusion.total.tolist(),
        "classes": {name: getattr(figures, name).tolist() for name in names},
        "class_intervals": found.confusion.class_intervals(),
        "hexagons": {
            "resolution": found.hexagons.resolution,
            "count": len(found.hexagons.mapped),
        },
    }


def _clean(value: object) -> object:
    """Return JSON without NaN: what is unknown is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _html(evaluation: Evaluation) -> str:
    environment = Environment(
        loader=PackageLoader("hexseal_ml", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("evaluation.html.jinja")
    return template.render(
        model=evaluation.config.model.name,
        checksum=evaluation.checksum,
        version=__version__,
        block_km=f"{evaluation.config.block_km:g}",
        tests=[_shown(test) for test in evaluation.tests],
        tiles=evaluation.tiles,
        colors={code: "#" + bytes(COLORS[code]).hex() for code in CODES},
        class_name=class_name,
        codes=CODES,
    )


def _shown(tested: Tested) -> dict[str, object]:
    """Return what the template shows of a test."""
    compared = tested.compared
    model = compared.get("model")
    pictures = [
        {
            "title": title,
            "items": [
                {"kind": KINDS[p.kind], "picture": p, "alt": f"{KINDS[p.kind]}: {title.lower()}"}
                for p in tested.pictures
                if p.part == part
            ],
        }
        for part, title in PARTS.items()
        if any(p.part == part for p in tested.pictures)
    ]
    charts = []
    if model is not None and tested.calibration is not None:
        charts = [
            Markup(reliability_chart(tested.calibration)),
            Markup(scatter_chart(model.hexagons)) if len(model.hexagons.mapped) else "",
        ]
    total = sum(tested.pixels.values())
    unknown = tested.pixels.get(254, 0)
    return {
        "slug": tested.test.slug,
        "name": tested.test.name,
        "note": tested.test.note,
        "grid": str(tested.grid),
        "warnings": tested.warnings,
        "unknown": f"{100 * unknown / total:.1f}",
        "sealed": f"{100 * tested.pixels.get(1, 0) / max(total - unknown, 1):.2f}",
        "titles": [found.title for found in compared.values()],
        "rows": _rows(compared),
        "classes": [] if model is None else _class_rows(model),
        "matrix": None if model is None else _matrix(model),
        "charts": charts,
        "calibration": tested.calibration,
        "hexagons": None if model is None else len(model.hexagons.mapped),
        "resolution": None if model is None else model.hexagons.resolution,
        "pictures": pictures,
    }


def _rows(compared: Mapping[str, Compared]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return title and, per map, figure and interval of each row."""
    found = {name: scalars_of(each) for name, each in compared.items()}
    intervals = {name: intervals_of(each) for name, each in compared.items()}
    rows = []
    for name, digits, title in SCALARS:
        cells = []
        for each, values in found.items():
            value = values.get(name)
            known = value is not None and math.isfinite(value)
            text = f"{value:.{digits}f}" if known else "–"
            low, high = intervals[each].get(name, (math.nan, math.nan))
            shown = known and math.isfinite(low)
            cells.append((text, f"{low:.{digits}f} to {high:.{digits}f}" if shown else ""))
        if any(text != "–" for text, _ in cells):
            rows.append((title, cells))
    return rows


def _class_rows(found: Compared) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return title, and figure and interval of each column; classes of neither map have none."""
    figures, ends = found.confusion.figures(), found.confusion.class_intervals()
    rows = []
    for place, code in enumerate(figures.codes):
        title = _name(found, code)
        if not figures.mapped_share[place] and not figures.reference_share[place]:
            rows.append((f"{title} (in neither)", [("–", "")] * (len(CLASS_FIGURES) + 2)))
            continue
        cells = []
        for name in CLASS_FIGURES:
            value = getattr(figures, name)[place]
            low, high = ends[name][place] if ends else (math.nan, math.nan)
            shown = math.isfinite(value) and math.isfinite(low)
            text = f"{value:.3f}" if math.isfinite(value) else "–"
            cells.append((text, f"{low:.3f} to {high:.3f}" if shown else ""))
        shares = (figures.mapped_share[place], figures.reference_share[place])
        rows.append((title, [*cells, *((f"{100 * share:.2f}", "") for share in shares)]))
    return rows


def _matrix(found: Compared) -> dict[str, object]:
    total = found.confusion.total
    return {
        "heads": [_name(found, code) for code in found.confusion.codes],
        "rows": [
            (_name(found, code), [f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
                                  for value in total[place].tolist()])
            for place, code in enumerate(found.confusion.codes)
        ],
    }  # fmt: skip


def _name(found: Compared, code: int) -> str:
    if found.confusion.codes != CODES and code != 1:
        return "Not sealed"
    return f"{code} {class_name(code)}" if found.confusion.codes == CODES else class_name(code)
