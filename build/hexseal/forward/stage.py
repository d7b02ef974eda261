"""CLC+ Forward in a build: a year without a map, made from the last map and a model's change.

A model's map and CLC+ differ in a thousand places where nothing was built. So the model maps both
its own year and the year of the last map, from images of both; only where its two maps differ is
the last map changed:

    Sealed, where the model turns to Sealed what both maps had as unsealed
    the model's class, where the model turns from Sealed what both maps had as Sealed
    no data, where the model has no data of one of the two years
    the last map's class everywhere else

Both years of a pair so have one maker each side of the comparison, and the rest of hexseal counts
a forward year as any other. How the model compares with CLC+ is measured in the same pass and
decides the slope and the interval of the adjusted change (statistics/transfer.py).

Where no year of a region has a map, each is the model's map as it is (maps.py).
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from hexseal import __version__
from hexseal.errors import InputError
from hexseal.forward.maps import (
    compare_part,
    open_maps,
    publish_map,
    tested_accuracy,
    tested_report,
)
from hexseal.forward.models import model_folder, require_ml
from hexseal.forward.report import (
    USUAL_DRIFT,
    ForwardReport,
    Tally,
    read_report,
    write_report,
)
from hexseal.progress import Log, Progress
from hexseal.raster.cog import CLASSES, CogWriter, Layout
from hexseal.region.load import Epoch, Forward, Region
from hexseal.storage.cache import Stamp
from hexseal.storage.workdir import ForwardFolder

FORMAT = 1
# What makes a forward year: here, and in the process that predicts.
CODE = (
    "hexseal.forward", "hexseal.raster",
    "hexseal_ml.predict", "hexseal_ml.model", "hexseal_ml.imagery",
)  # fmt: skip
# Maps an image into the files of a stem.
Predict = Callable[[str, Forward, Path], None]


def report_path(epoch: Epoch) -> Path:
    """Return where the comparison of a forward year lies."""
    assert epoch.forward is not None
    return ForwardFolder(epoch.forward.folder).report(epoch.year)


def make_forward_years(
    region: Region, *, fresh: bool, log: Log, progress: Progress, workers: int | None = None
) -> list[ForwardReport]:
    """Predict and carry forward every forward year that is not there yet.

    The model runs on ``workers`` threads (None: one per core).
    """
    run = partial(_predict, fresh=fresh, log=log, workers=workers)
    return [
        _make(region, epoch, epoch.forward, run, fresh=fresh, progress=progress)
        for epoch in region.epochs
        if epoch.forward is not None
    ]


def forward_reports(region: Region) -> dict[int, ForwardReport]:
    """Return the comparison of each forward year; raise InputError where one was not made."""
    return {e.year: read_report(report_path(e)) for e in region.epochs if e.forward is not None}


def maker(source: str, year: int) -> str:
    """Return a source's title without its year: product and version.

    >>> maker("ESA WorldCover 2020 v100", 2020), maker("CLC+ Backbone 2018", 2018)
    ('ESA WorldCover v100', 'CLC+ Backbone')
    """
    return " ".join(re.sub(rf"\b{year}\b", " ", source).split())


def source_titles(region: Region) -> dict[str, str]:
    """Return for each year the product and version that its figures come from.

    A year made by a model names the model's checksum and the map that it starts from.
    """
    titles = {
        str(epoch.year): epoch.source or f"{region.product.title} {epoch.year}"
        for epoch in region.epochs
    }
    for year, report in forward_reports(region).items():
        titles[str(year)] += f", model sha256 {report.checksum[:12]}"
        if report.calibrate_on is not None:
            titles[str(year)] += f", change since {titles[str(report.calibrate_on)]}"
    return titles


def _make(
    region: Region,
    epoch: Epoch,
    forward: Forward,
    predict: Predict,
    *,
    fresh: bool,
    progress: Progress,
) -> ForwardReport:
    mapped = next((e for e in region.epochs if e.year == forward.calibrate_on), None)
    stamp = _stamp(epoch, forward, mapped)
    kept = None if fresh else _kept(epoch, stamp)
    if kept is not None:
        return kept
    stamp.clear()
    # The report is published: its key must be the same wherever the files are.
    settings = repr(_settings(epoch, forward, mapped))
    key = hashlib.sha256(settings.encode()).hexdigest()
    report_path(epoch).unlink(missing_ok=True)
    if mapped is None:
        report = _model_year(epoch, forward, key, predict)
    else:
        stems = []
        for year, image in zip((mapped.year, epoch.year), forward.images, strict=True):
            stem = ForwardFolder(forward.folder).prediction(year, epoch.year)
            predict(image, forward, stem)
            stems.append(stem)
        report = carry_forward(epoch, mapped, (stems[0], stems[1]), key, progress)
    write_report(report, report_path(epoch))
    stamp.write()
    return report


def _model_year(epoch: Epoch, forward: Forward, key: str, predict: Predict) -> ForwardReport:
    """Make a year that no map stands behind: the model's map as it is."""
    stem = ForwardFolder(forward.folder).prediction(epoch.year, epoch.year)
    if forward.reference is None:
        tested_accuracy(model_folder(forward.model))  # Refuses the model before it works for hours.
    predict(forward.imagery, forward, stem)
    facts = _prediction_facts(stem)
    model = model_folder(forward.model)
    known = {
        "year": epoch.year, "key": key, "checksum": str(facts["model_checksum"]),
        "drift_sd": _drift(model), "warnings": tuple(map(str, _list(facts.get("warnings")))),
    }  # fmt: skip
    if forward.reference is None:
        report = tested_report(model, **known)
    else:
        tally = compare_part(epoch, forward.reference, stem)
        report = tally.report(**known, calibrate_on=None, model=model.name, compared="reference")
    publish_map(epoch, stem)
    return report


def _predict(
    image: str, forward: Forward, stem: Path, *, fresh: bool, log: Log, workers: int | None
) -> None:
    """Run hexseal-ml on one image in a process of its own, so that hexseal never needs torch."""
    require_ml()
    command = [
        sys.executable, "-m", "hexseal_ml", "predict", image,
        "--model", str(model_folder(forward.model)),
        "--out", str(stem.parent), "--prefix", stem.name, "--missing-bands", forward.missing_bands,
    ]  # fmt: skip
    if forward.clouds != "keep":
        command += ["--clouds", forward.clouds]
    if fresh:
        command.append("--fresh")
    threads = {} if workers is None else {"OMP_NUM_THREADS": str(workers)}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | threads)
    for line in done.stdout.splitlines():
        if line.startswith("warning"):
            log(line)
    if done.returncode:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "")
        message = last.removeprefix("error: ") or f"exit code {done.returncode}"
        raise InputError(f"prediction of {image} failed: {message}")


def carry_forward(
    epoch: Epoch, mapped: Epoch, stems: tuple[Path, Path], key: str, progress: Progress
) -> ForwardReport:
    """Write landcover and confidence of a forward year; return how the model compares with CLC+.

    ``stems`` are the predictions' paths without ``_landcover.tif``: the year of the map, then the
    year itself.
    """
    assert epoch.confidence is not None
    assert epoch.forward is not None
    facts = [_prediction_facts(stem) for stem in stems]
    tally = Tally()
    with ExitStack() as stack:
        maps = open_maps(stack, mapped, stems)
        landcover = stack.enter_context(CogWriter(Path(epoch.landcover), maps.grid, CLASSES))
        confidence = stack.enter_context(CogWriter(Path(epoch.confidence), maps.grid, Layout()))
        windows = maps.strips()
        for done, window in enumerate(windows, 1):
            classes, certain = tally.add(*maps.read(window))
            landcover.write(classes, window)
            confidence.write(certain, window)
            progress("carry forward", done, len(windows))
    if not tally.blocks:
        raise InputError(
            f"{mapped.landcover}: no pixel lies under the images; check where they lie"
        )
    checksum = str(facts[0]["model_checksum"])
    return tally.report(
        year=epoch.year,
        calibrate_on=mapped.year,
        key=key,
        model=Path(epoch.forward.model).name,
        checksum=checksum,
        drift_sd=_drift(model_folder(epoch.forward.model)),
        warnings=tuple(str(w) for fact in facts for w in _list(fact.get("warnings"))),
    )


def _stamp(epoch: Epoch, forward: Forward, mapped: Epoch | None) -> Stamp:
    """Return the stamp of a forward year: settings, images, the map and the model's weights."""
    model = model_folder(forward.model)
    weights = [model / "config.json", *sorted(model.glob("*.safetensors"))]
    maps = [mapped.landcover if mapped else forward.reference]
    files = [*forward.images, *(name for name in maps if name is not None), *map(str, weights)]
    path = ForwardFolder(forward.folder).stamp(epoch.year)
    return Stamp(path, *_settings(epoch, forward, mapped), files=files, code=CODE)


def _settings(epoch: Epoch, forward: Forward, mapped: Epoch | None) -> tuple[object, ...]:
    base = None if mapped is None else mapped.year
    return FORMAT, __version__, epoch.year, base, forward.missing_bands, forward.clouds


def _kept(epoch: Epoch, stamp: Stamp) -> ForwardReport | None:
    path = report_path(epoch)
    made = (path, Path(epoch.landcover), Path(str(epoch.confidence)))
    return read_report(path) if stamp.is_current(made) else None


def _prediction_facts(stem: Path) -> dict[str, object]:
    path = stem.with_name(f"{stem.name}.json")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise InputError(f"{path}: cannot be read ({err}); build again with --fresh") from err


def _drift(model: Path) -> float:
    """Return how much the mapped sealed area differs between two images, by the model."""
    try:
        config = json.loads((model / "config.json").read_text(encoding="utf-8"))
        return float(config["hexseal"]["metrics"]["drift"]["sd"])
    except (OSError, ValueError, KeyError, TypeError):
        return USUAL_DRIFT


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
