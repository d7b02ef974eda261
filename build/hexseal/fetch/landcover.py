"""Maps of land cover as they come from a service: checked, cut to the place, written whole."""

from pathlib import Path

import numpy as np

from hexseal.errors import FetchError
from hexseal.fetch.place import Place
from hexseal.products import Product
from hexseal.raster.cog import CogWriter, Layout
from hexseal.raster.grid import Window
from hexseal.raster.landcover import OUTSIDE
from hexseal.types import Bytes

# Rows that are copied at once.
ROWS = 1024


class MapWriter:
    """A map of the place, written piece by piece; codes that the product lacks are refused.

    ``counts`` holds how many pixels have each code.
    """

    def __init__(self, path: Path, place: Place, product: Product) -> None:
        self.path, self.place, self.product = path, place, product
        self.counts = np.zeros(256, np.int64)
        self.fill = OUTSIDE if OUTSIDE in product.nodata else min(product.nodata)
        colors = {c.code: (*bytes.fromhex(c.color[1:]), 255) for c in product.classes}
        self._writer = CogWriter(path, place.grid, Layout(colors=colors))

    def __enter__(self) -> "MapWriter":
        self._writer.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._writer.__exit__(kind, *rest)

    def write(self, codes: Bytes, window: Window, source: str) -> None:
        """Check and write the codes of a window; what lies outside the polygon becomes no data."""
        check_codes(codes, self.product, source)
        outside = self.place.outside(window)
        if outside is not None:
            codes = np.where(outside, np.uint8(self.fill), codes)
        self.counts += np.bincount(codes.ravel(), minlength=256)
        self._writer.write(codes, window)

    def check_filled(self) -> None:
        """Reject a map without a single pixel that counts."""
        if not self.counts[sorted(self.product.valid)].any():
            codes = ", ".join(map(str, np.flatnonzero(self.counts)))
            raise FetchError(
                f"{self.path.name}: holds no classified pixel (codes {codes}); the place lies "
                "outside what the product covers, check [fetch] bbox and crs"
            )


def check_codes(codes: Bytes, product: Product, source: str) -> None:
    """Reject codes that the product lacks, naming the commonest."""
    counts = np.bincount(codes.ravel(), minlength=256)
    strange = [code for code in np.flatnonzero(counts) if code not in product.known]
    if strange:
        most = max(strange, key=lambda code: counts[code])
        raise FetchError(
            f"{source}: {counts[most]:,} pixels hold {most}, which is no code of "
            f"{product.title}; if it marks what lies outside, name it in [product] nodata = "
            f"{sorted({*product.nodata, int(most)})}"
        )
