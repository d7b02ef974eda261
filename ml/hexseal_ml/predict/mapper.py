"""Windows in, probabilities out: device, precision and threads of the network."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hexseal.types import Floats
from hexseal_ml.model.inference import FastSegformer
from hexseal_ml.model.network import SMALLEST_SIDE, ForwardModel, ForwardSegformer
from hexseal_ml.predict.windows import held_part, known_of

# Pixels without values that the network sees around those that have some.
MARGIN = 16
# Batches that are mapped at the same time at most; each holds some 150 MB.
LANES = 4

# Probabilities (classes, rows, cols) of a window, None where nothing is known; the known pixels.
Mapped = tuple[Tensor | None, Tensor]


@dataclass(frozen=True, slots=True)
class Runtime:
    """The device, precision and batch that ``auto`` came to on this machine."""

    device: str
    precision: str
    batch: int

    @property
    def dtype(self) -> torch.dtype:
        """Return the data type of what is multiplied."""
        return torch.bfloat16 if self.precision == "bf16" else torch.float32


def probabilities_of(network: ForwardModel, windows: Tensor, runtime: Runtime) -> Tensor:
    """Return probabilities (B, classes, rows, cols) of reflectance (B, bands, rows, cols)."""
    values = network.normalise(windows.to(torch.device(runtime.device), non_blocking=True))
    values = values.contiguous(memory_format=torch.channels_last)
    with torch.autocast(runtime.device, torch.bfloat16, enabled=runtime.precision == "bf16"):
        logits = network(values).logits
    return network.probabilities(logits)


class Mapper:
    """A network made ready to map many windows."""

    def __init__(self, network: ForwardModel, runtime: Runtime) -> None:
        self.network, self.runtime = network, runtime
        self._fast: FastSegformer | None = None
        device = torch.device(runtime.device)
        if isinstance(network, ForwardSegformer):
            self._fast = FastSegformer(network, device, runtime.dtype)
        else:
            nn.Module.to(network, device)

    def probabilities(self, windows: Tensor) -> Tensor:
        """Return probabilities (B, classes, rows, cols) of reflectance (B, bands, rows, cols)."""
        if self._fast is None:
            return probabilities_of(self.network, windows, self.runtime)
        values = windows.to(torch.device(self.runtime.device), non_blocking=True)
        return self.network.probabilities(self._fast(self.network.normalise(values)))

    def map_all(self, batches: Iterator[list[Floats]]) -> Iterator[list[Mapped]]:
        """Map batches of windows (bands, rows, cols) in their order.

        A processor's threads work on a batch each, not on the same one together: most products
        are too small to be shared. So results do not depend on the number of threads either.
        """
        threads = torch.get_num_threads()
        lanes = min(threads, LANES) if self.runtime.device == "cpu" else 1
        waiting: deque[Future[list[Mapped]]] = deque()
        try:
            with ThreadPoolExecutor(
                lanes, initializer=torch.set_num_threads, initargs=(threads // lanes,)
            ) as pool:
                for batch in batches:
                    waiting.append(pool.submit(self.map_batch, batch))
                    if len(waiting) > lanes:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
        finally:
            torch.set_num_threads(threads)

    def map_batch(self, windows: Sequence[Floats]) -> list[Mapped]:
        """Map windows (bands, rows, cols) together; the network sees those that have values."""
        known = [torch.from_numpy(known_of(window)) for window in windows]
        seen = [number for number, mask in enumerate(known) if bool(mask.any())]
        found: dict[int, Tensor] = {}
        if seen:
            stacked = torch.stack([torch.from_numpy(windows[number]) for number in seen])
            is_known = torch.stack([known[number] for number in seen]).any(dim=0)
            with torch.inference_mode():
                found = dict(zip(seen, self._where_known(stacked, is_known), strict=True))
        return [(found.get(number), mask) for number, mask in enumerate(known)]

    def _where_known(self, windows: Tensor, known: Tensor) -> Tensor:
        """Return probabilities (B, classes, rows, cols), 0 far from what is known (rows, cols).

        The network sees no more of the windows (B, bands, rows, cols) than it needs.
        """
        rows, columns = (
            held_part(known.any(dim=axis).numpy(), SMALLEST_SIDE, MARGIN) for axis in (1, 0)
        )
        found = self.probabilities(windows[:, :, rows, columns])
        if found.shape[2:] == windows.shape[2:]:
            return found
        whole = found.new_zeros((*found.shape[:2], *windows.shape[2:]))
        whole[:, :, rows, columns] = found
        return whole
