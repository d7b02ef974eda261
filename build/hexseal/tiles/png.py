"""PNG pictures of palette numbers, one byte a pixel (PNG specification, third edition)."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PALETTE_KIND = 3
MOST_COLORS = 256
LEVEL = 9


def encode(numbers: NDArray[np.uint8], palette: bytes) -> bytes:
    """Return a PNG of palette numbers, shape (height, width); ``palette`` is red, green, blue.

    Colour 0 is transparent. The same numbers give the same bytes with the same zlib.
    """
    height, width = numbers.shape
    head = struct.pack(">IIBBBBB", width, height, 8, PALETTE_KIND, 0, 0, 0)
    rows = np.zeros((height, width + 1), np.uint8)  # Each row begins with filter 0, none.
    rows[:, 1:] = numbers
    return b"".join(
        (
            SIGNATURE,
            _chunk(b"IHDR", head),
            _chunk(b"PLTE", palette),
            _chunk(b"tRNS", b"\x00"),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), LEVEL)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)
