"""Model folders: what Hugging Face's transformers writes, safetensors only, whole or not at all."""

import copy
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from torch import nn

from hexseal.errors import InputError, OutputError
from hexseal.storage.files import PARTIAL, describe, sha256
from hexseal_ml.imagery.bands import KNOWN_BANDS, band_of
from hexseal_ml.model.classes import CODES
from hexseal_ml.model.network import FORMAT, ForwardModel, ForwardSegformer
from hexseal_ml.model.tempcnn import ForwardTempCnn, TempCnnConfig

CONFIG, CARD = "config.json", "README.md"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
# Small enough for hosts that refuse files of 50 MB.
SHARD = "45MB"
# Weights that only unpickling opens, which can run anything.
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


def save_model(
    model: ForwardModel,
    folder: Path,
    card: str,
    *,
    texts: Mapping[str, str] | None = None,
    half: bool = False,
) -> None:
    """Write weights, configuration and model card; ``half`` stores weights as float16.

    ``texts`` are further files by name, such as the log of the training. The SHA-256 of every file
    of weights goes into the configuration. An older model of the same name is replaced in one
    step. Raises OutputError where the folder holds anything but a model or cannot be written.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / CONFIG).is_file():
        raise OutputError(f"{folder}: holds files but no model; choose an empty folder")
    staging = folder.with_name(f"{PARTIAL}-{folder.name}")
    previous = folder.with_name(f"{PARTIAL}-{folder.name}-previous")
    written = copy.deepcopy(model).half() if half else model
    try:
        for old in (staging, previous):
            shutil.rmtree(old, ignore_errors=True)
        staging.mkdir(parents=True)
        written.save_pretrained(staging, max_shard_size=SHARD)
        (staging / CARD).write_text(card, encoding="utf-8")
        for name, text in (texts or {}).items():
            (staging / name).write_text(text, encoding="utf-8")
        _seal(staging)
        for weights in staging.glob("*.safetensors"):
            # safetensors makes files that only their owner reads.
            weights.chmod((staging / CARD).stat().st_mode)
        if folder.exists():
            folder.rename(previous)
        staging.rename(folder)
        shutil.rmtree(previous, ignore_errors=True)
    except OSError as err:
        raise describe(err, folder) from err
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _seal(folder: Path) -> None:
    """Write the SHA-256 of every file of weights into the configuration."""
    path = folder / CONFIG
    config = json.loads(path.read_text(encoding="utf-8"))
    config["hexseal"]["weights_sha256"] = {
        weights.name: sha256(weights) for weights in sorted(folder.glob("*.safetensors"))
    }
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load_model(folder: Path) -> ForwardModel:
    """Return a model in float32, ready to predict; raise InputError where it is not one of ours."""
    check_folder(folder)
    try:
        model = _kind_of(folder).from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, use_safetensors=True
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as err:
        raise InputError(
            f"{folder}: weights do not fit config.json ({str(err).splitlines()[0]}); get it again"
        ) from err
    return cast(ForwardModel, cast(nn.Module, model).eval())


def _kind_of(folder: Path) -> type[ForwardModel]:
    """Return the class of a model folder."""
    is_tempcnn = _read_config(folder).get("model_type") == TempCnnConfig.model_type
    return ForwardTempCnn if is_tempcnn else ForwardSegformer


def check_folder(folder: Path) -> Mapping[str, object]:
    """Return the ``hexseal`` section of a model folder; raise InputError where it is not usable."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such model folder; train one or give another")
    pickled = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in PICKLED)
    if pickled:
        raise InputError(
            f"{folder}: {pickled[0]} holds pickled weights, which can run any code when read; "
            "only safetensors are loaded"
        )
    config = _read_config(folder)
    facts = config.get("hexseal")
    if not isinstance(facts, dict):
        raise InputError(
            f"{folder}: config.json has no section hexseal (bands, scaling, classes); "
            "give a model made by hexseal-ml train"
        )
    _check_facts(folder, facts, config)
    _check_weights(folder, _weights(folder), facts.get("weights_sha256"))
    return facts


def model_checksum(folder: Path) -> str:
    """Return the hexadecimal SHA-256 over a model's configuration and weights, by file name."""
    digest = hashlib.sha256()
    for path in sorted([folder / CONFIG, *folder.glob("*.safetensors")]):
        with path.open("rb") as stream:
            digest.update(path.name.encode() + hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _weights(folder: Path) -> list[str]:
    """Return the names of the files of weights that transformers will read."""
    if (folder / WEIGHTS).is_file():
        return [WEIGHTS]
    index = folder / INDEX
    if not index.is_file():
        raise InputError(f"{folder}: no weights (*.safetensors); get the folder again")
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise InputError(f"{index}: is not an index of weights; get the folder again") from err
    if not names:
        raise InputError(f"{index}: weight_map is empty; get the folder again")
    strange = sorted(str(name) for name in names if not _is_plain(name))
    if strange:
        raise InputError(
            f"{index}: weight_map names {strange[0]!r}, which is not a *.safetensors file of this "
            "folder; get the folder again"
        )
    return sorted(names)


def _is_plain(name: object) -> bool:
    """Return whether a name is that of a file of weights in the folder itself.

    >>> _is_plain("model-00001-of-00002.safetensors"), _is_plain("../a.safetensors")
    (True, False)
    """
    return (
        isinstance(name, str)
        and Path(name).name == name
        and "\\" not in name
        and name.endswith(".safetensors")
    )


def _check_weights(folder: Path, names: Sequence[str], sums: object) -> None:
    """Reject weights that are missing, lie elsewhere, or are not those that were saved."""
    for name in names:
        path = folder / name
        if not path.is_file():
            raise InputError(f"{path}: weights are missing; get the folder again")
        if path.is_symlink() and folder.resolve() not in path.resolve().parents:
            raise InputError(f"{path}: is a link out of the folder; copy the file into it")
    if sums is None:
        # Models saved before sums were kept.
        return
    if not isinstance(sums, Mapping) or not all(isinstance(s, str) for s in sums.values()):
        raise InputError(f"{folder}: weights_sha256 in config.json is not a table of sums")
    for name in names:
        found = sha256(folder / name)
        if sums.get(name) != found:
            raise InputError(
                f"{folder / name}: SHA-256 {found[:12]}... is not {str(sums.get(name))[:12]}... of "
                "config.json; the file was changed or cut off, get the folder again"
            )


def _read_config(folder: Path) -> Mapping[str, object]:
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise InputError(f"{folder}: no config.json; this is not a model folder") from err
    except (OSError, ValueError) as err:
        raise InputError(f"{path}: cannot be read as JSON ({err}); get the folder again") from err
    if not isinstance(config, dict):
        raise InputError(f"{path}: is not a configuration; get the folder again")
    return config


def _check_facts(folder: Path, facts: Mapping[str, object], config: Mapping[str, object]) -> None:
    """Reject what a prediction could not use or would use wrongly."""
    if facts.get("format") != FORMAT:
        raise InputError(
            f"{folder}: model format {facts.get('format')!r}, this version reads {FORMAT}; "
            "train it again or install the version that made it"
        )
    bands = cast("Sequence[str]", facts.get("bands") or ())
    unknown = [band for band in bands if band_of(band) not in KNOWN_BANDS]
    if not bands or unknown:
        raise InputError(f"{folder}: unknown band {', '.join(unknown) or 'list'} in config.json")
    codes = cast("Sequence[int]", facts.get("class_codes") or ())
    strange = [code for code in codes if code not in CODES]
    if strange or len(set(codes)) != len(codes) or not codes:
        raise InputError(f"{folder}: class codes {list(codes)} are not CLC+ codes, each once")
    names = cast("Mapping[str, str]", config.get("id2label") or {})
    if len(names) != len(codes):
        raise InputError(
            f"{folder}: config.json names {len(names)} classes but {len(codes)} class codes; "
            "give a model whose classes are CLC+ classes"
        )
    for key in ("mean", "std"):
        if len(cast("Sequence[float]", facts.get(key) or ())) != len(bands):
            raise InputError(f"{folder}: {key} in config.json needs one value per band")
