"""The network and its folder: the stock head's figures, safetensors only, whole or refused."""

import copy
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from mlmodels import WIDTHS, save_tiny, tiny_model
from transformers import SegformerConfig, SegformerModel
from transformers.models.segformer.modeling_segformer import SegformerDecodeHead

from hexseal.errors import HexsealError, InputError, OutputError
from hexseal_ml.imagery.bands import BANDS
from hexseal_ml.model.classes import CODES
from hexseal_ml.model.folder import check_folder, load_model, model_checksum, save_model
from hexseal_ml.model.inference import FastSegformer
from hexseal_ml.model.network import ENCODERS, adapt_first, build_model
from hexseal_ml.train.card import model_card

SHIPPED = Path(__file__).parents[1] / "ml" / "weights" / "clcplus-forward-b2"


def test_the_fused_head_answers_as_the_stock_one() -> None:
    torch.manual_seed(1)
    # A copy: all tests share the tiny model.
    fused = copy.deepcopy(tiny_model().decode_head)
    stock = SegformerDecodeHead(tiny_model().config).eval()
    weights = fused.state_dict()
    for name, value in weights.items():
        if name.endswith(("running_mean", "batch_norm.bias")):
            value.normal_()
    stock.load_state_dict(weights)
    scales = [torch.randn(2, width, side, side) for width, side in
              zip(WIDTHS, (24, 12, 6, 3), strict=True)]  # fmt: skip
    with torch.inference_mode():
        torch.testing.assert_close(fused(scales), stock(scales), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", [(2, 10, 96, 160), (1, 10, 70, 45), (1, 10, 288, 320)])
def test_the_fast_form_answers_as_the_trained_network(shape: tuple[int, ...]) -> None:
    torch.manual_seed(2)
    network = copy.deepcopy(tiny_model())
    for name, value in network.state_dict().items():
        if name.endswith(("running_mean", "norm.bias")):
            value.normal_()
        elif name.endswith("running_var"):
            value.uniform_(0.5, 2.0)
    images = torch.randn(shape)
    with torch.inference_mode():
        wanted = network(images).logits
        plain, short = (
            FastSegformer(network, torch.device("cpu"), dtype)(images)
            for dtype in (torch.float32, torch.bfloat16)
        )
    torch.testing.assert_close(plain, wanted, atol=1e-4, rtol=1e-4)
    assert short.dtype == torch.float32
    assert (short.argmax(dim=1) == wanted.argmax(dim=1)).float().mean() > 0.9


def test_the_encoder_answers_as_the_stock_one() -> None:
    own = tiny_model().segformer
    stock = SegformerModel(tiny_model().config).eval()
    stock.load_state_dict(own.state_dict())
    images = torch.randn(2, 10, 96, 64)
    with torch.inference_mode():
        found, wanted = (
            model(images, output_hidden_states=True).hidden_states for model in (own, stock)
        )
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_logits_have_the_resolution_of_the_image() -> None:
    with torch.inference_mode():
        found = tiny_model()(torch.zeros(1, 10, 45, 70))
    assert found.logits.shape == (1, 11, 45, 70)
    assert found.coarse.shape == (1, 11, 16, 24)


def test_the_offset_is_added_to_sealed_alone() -> None:
    model = tiny_model()
    model.facts["sealed_logit_offset"] = 1.0
    try:
        found = model.probabilities(torch.zeros(1, 11, 1, 1)).flatten()
    finally:
        model.facts["sealed_logit_offset"] = 0.0
    # e / (e + 10) and 1 / (e + 10)
    assert found[0].item() == pytest.approx(0.21373, abs=1e-5)
    assert found[1].item() == pytest.approx(0.07863, abs=1e-5)


def test_the_first_convolution_takes_other_bands() -> None:
    weight = torch.tensor([3.0, 6.0, 9.0]).view(1, 3, 1, 1)
    adapted = adapt_first(weight, ("B02", "B03", "B04", "B08"))
    # Blue, green, red keep their weights, near infrared gets the mean 6; all times 3/4.
    assert adapted.flatten().tolist() == [6.75, 4.5, 2.25, 4.5]


def _encoder(folder: Path, size: str = "b0") -> Path:
    depths, widths, _ = ENCODERS[size]
    torch.manual_seed(9)
    config = SegformerConfig(depths=list(depths), hidden_sizes=list(widths))
    SegformerModel(config).save_pretrained(folder)
    return folder


def test_training_starts_from_a_pretrained_encoder(tmp_path: Path) -> None:
    source = _encoder(tmp_path / "mit-b0")
    model = build_model("b0", BANDS, CODES, pretrained=str(source))
    theirs = SegformerModel.from_pretrained(source).state_dict()
    mine = model.segformer.state_dict()
    first = next(name for name in mine if name.endswith("patch_embeddings.proj.weight"))
    torch.testing.assert_close(mine[first], adapt_first(theirs[first], BANDS))
    for name in mine.keys() - {first}:
        assert torch.equal(mine[name], theirs[name]), name
    assert model.facts["initial_weights"] == str(source)


def test_an_encoder_of_another_size_is_refused(tmp_path: Path) -> None:
    source = _encoder(tmp_path / "mit-b1", "b1")
    with pytest.raises(InputError, match="has another shape; give an encoder of this size"):
        build_model("b0", BANDS, CODES, pretrained=str(source))


def test_weights_out_of_reach_are_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = build_model("b0", BANDS, CODES, pretrained=str(tmp_path / "nowhere"))
    assert "nowhere cannot be loaded" in caplog.text
    assert "training starts from random weights" in caplog.text
    assert model.facts["initial_weights"] == "random"


class _Hub(BaseHTTPRequestHandler):
    """As much of the Hugging Face hub as a download asks for; one repository lies in ``folder``."""

    folder: Path

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self.wfile.write(self._answer())

    def _answer(self) -> bytes:
        name = self.path.removeprefix("/nvidia/mit-b0/resolve/main/")
        path = self.folder / name
        body = path.read_bytes() if "/" not in name and path.is_file() else b""
        self.send_response(200 if body else 404)
        if not body:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{len(body)}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.end_headers()
        return body

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    handler = type("Hub", (_Hub,), {"folder": _encoder(tmp_path / "served")})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def test_weights_come_from_a_hub(hub: str, tmp_path: Path) -> None:
    code = (
        "from hexseal_ml.model.network import build_model\n"
        "for name in ('nvidia/mit-b0', 'nvidia/mit-none'):\n"
        "    model = build_model('b0', ('B04', 'B08'), (1, 2), pretrained=name)\n"
        "    print(model.facts['initial_weights'])\n"
    )
    options = {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | options, capture_output=True, text=True
    )
    assert done.stdout.split() == ["nvidia/mit-b0", "random"], done.stderr
    assert "nvidia/mit-none cannot be loaded" in done.stderr


def test_a_folder_holds_safetensors_and_gives_the_model_back(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "model")
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md", "config.json", "model.safetensors",
    ]  # fmt: skip
    values = torch.linspace(-1, 1, 10 * 32 * 32).view(1, 10, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(load_model(folder)(values).logits, tiny_model()(values).logits)
    assert load_model(folder).bands == BANDS


def test_a_model_is_replaced_in_one_step_and_nothing_else_is(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "model")
    before = model_checksum(folder)
    save_model(tiny_model(), folder, "Half.\n", texts={"training.csv": "step\n1\n"}, half=True)
    assert (folder / "README.md").read_text() == "Half.\n"
    assert (folder / "training.csv").read_text() == "step\n1\n"
    assert model_checksum(folder) != before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds files but no model"):
        save_model(tiny_model(), other, "A card.\n")
    assert (other / "thesis.txt").read_text() == "mine"


def _change(folder: Path, section: str | None, **values: object) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    (config if section is None else config[section]).update(values)
    path.write_text(json.dumps(config))


def _refused(folder: Path) -> str:
    with pytest.raises(HexsealError) as caught:
        load_model(folder)
    line = str(caught.value)
    assert str(folder) in line
    assert "\n" not in line
    return line


def test_folders_that_are_no_models_are_refused(tmp_path: Path) -> None:
    assert "no such model folder" in _refused(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "no config.json" in _refused(tmp_path / "empty")
    folder = save_tiny(tmp_path / "model")
    (folder / "config.json").write_text("{")
    assert "cannot be read as JSON" in _refused(folder)
    (folder / "config.json").write_text('{"model_type": "segformer"}')
    assert "no section hexseal" in _refused(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.pt", "old.PKL"])
def test_pickled_weights_are_refused(tmp_path: Path, name: str) -> None:
    folder = save_tiny(tmp_path / "model")
    (folder / name).write_bytes(b"cos\nsystem\n")
    line = _refused(folder)
    assert f"{name} holds pickled weights" in line
    assert "only safetensors are loaded" in line


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"format": 9}, "model format 9, this version reads 1"),
        ({"bands": ["B02", "B99"]}, "unknown band B99"),
        ({"class_codes": [1, 2, 3]}, "names 11 classes but 3 class codes"),
        ({"class_codes": [*range(1, 11), 77]}, "are not CLC+ codes"),
        ({"mean": [0.1]}, "mean in config.json needs one value per band"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    tmp_path: Path, values: dict[str, object], said: str
) -> None:
    folder = save_tiny(tmp_path / "model")
    _change(folder, "hexseal", **values)
    assert said in _refused(folder)


def test_another_class_count_than_the_weights_is_refused(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "model")
    _change(folder, None, id2label={"0": "Sealed", "1": "Water"})
    _change(folder, "hexseal", class_codes=[1, 10])
    assert "weights do not fit config.json" in _refused(folder)


def test_damaged_or_absent_weights_are_refused(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "model")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    assert "SHA-256" in _refused(folder)
    weights.unlink()
    assert "no weights (*.safetensors)" in _refused(folder)


def test_the_shipped_model_says_what_it_is() -> None:
    facts = check_folder(SHIPPED)
    assert (SHIPPED / "README.md").read_text() == model_card(facts)
    card = model_card(facts)
    assert "| 11 Snow and ice | not present |" in card
    assert "nan" not in card.lower().split()
    assert "__float__" not in (SHIPPED / "config.json").read_text()
    assert facts["bands"] == list(BANDS)
    training = facts["training"]
    assert isinstance(training, dict)
    seeds = {seed for source in training["sources"] for seed in source.get("seeds", ())}
    # Seed 1 is the sample's, 2001 and up are those of tests and benchmarks.
    assert min(seeds) == 1001
    assert max(seeds) <= 1072
    sizes = [path.stat().st_size for path in SHIPPED.iterdir()]
    assert sum(sizes) < 60_000_000
    assert max(sizes) < 50_000_000


def _indexed(folder: Path, names: dict[str, str]) -> Path:
    """Give a saved model an index of weights in place of its one file."""
    (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
    index = {"metadata": {}, "weight_map": names}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "model")
    weights = folder / "model.safetensors"
    facts = json.loads((folder / "config.json").read_text())["hexseal"]
    assert facts["weights_sha256"] == {weights.name: sha256(weights.read_bytes()).hexdigest()}
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert "SHA-256" in _refused(folder)
    weights.unlink()
    assert "no weights" in _refused(folder)


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/passwd", "a\\b.safetensors", 3])
def test_an_index_names_files_of_its_own_folder_only(tmp_path: Path, name: object) -> None:
    folder = _indexed(save_tiny(tmp_path / "model"), {"a": name})  # type: ignore[dict-item]
    (tmp_path / "outside.safetensors").write_bytes(b"x")
    assert "is not a *.safetensors file of this folder" in _refused(folder)


def test_an_index_without_weights_is_refused(tmp_path: Path) -> None:
    folder = _indexed(save_tiny(tmp_path / "model"), {})
    assert "weight_map is empty" in _refused(folder)
    (folder / "model.safetensors.index.json").write_text("")
    assert "is not an index of weights" in _refused(folder)
    absent = {"a": "model-00009-of-00009.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": absent}))
    assert "weights are missing" in _refused(folder)
