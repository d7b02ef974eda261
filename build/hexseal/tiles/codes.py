"""What a pixel shows in all years at once, as one number below 256.

A page draws any year and any pair of years from the same tiles: it replaces the palette.
"""

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexseal.errors import RegionError
from hexseal.types import Bytes, Flags, Pair

NO_DATA, WATER = 0, 1
Pairs = tuple[Pair, ...]
SIGNATURE = b"\x89PNG\r\n\x1a\n"
PALETTE_KIND = 3
MOST_COLORS = 256
# So many colours fit into half a byte.
FEW_COLORS = 16
# Pixels are noise where runs alone leave more than this part of the bytes: there a long search for
# repetitions takes ten times as long as a short one and saves a few per cent at best.
NOISY = 1 / 8
# Level and strategy of zlib, as measured in docs/development/benchmarks.md, "Ground".
RUNS = 6, zlib.Z_RLE
SHORT, LONG = (4, zlib.Z_DEFAULT_STRATEGY), (8, zlib.Z_DEFAULT_STRATEGY)


@dataclass(frozen=True, slots=True, eq=False)
class PixelCodes:
    """The codes of a region's years and pairs.

    ``meanings[code - 2]`` is (sealed, confirmed): bit i of ``sealed`` is set where the pixel is
    sealed in year i, bit j of ``confirmed`` where its new sealing in pair j is confirmed. Code 0
    is no data, code 1 water in every year.
    """

    years: int
    meanings: tuple[tuple[int, int], ...]
    lookup: NDArray[np.uint8]

    def join(self, sealed: list[Flags], confirmed: list[Flags], *, valid: Flags, water: Flags):
        """Return the codes of pixels from one array for each year and each pair."""
        key = np.zeros(valid.shape, np.int64)
        for bit, flags in enumerate([*sealed, *confirmed]):
            key |= flags.astype(np.int64) << bit
        codes = self.lookup[key]
        codes[water] = WATER
        codes[~valid] = NO_DATA
        return codes


def pixel_codes(years: tuple[int, ...], pairs: Pairs) -> PixelCodes:
    """Number what can occur; raises RegionError where that is more than a palette holds.

    >>> pixel_codes((2018, 2021), (Pair(2018, 2021),)).meanings
    ((0, 0), (1, 0), (2, 0), (2, 1), (3, 0))
    """
    meanings = []
    lookup = np.zeros(1 << (len(years) + len(pairs)), np.uint8)
    for sealed in range(1 << len(years)):
        gains = 0
        for place, (first, second) in enumerate(pairs):
            before, after = (sealed >> years.index(year) & 1 for year in (first, second))
            gains |= (after and not before) << place
        known: dict[int, int] = {}
        for confirmed in range(1 << len(pairs)):
            # What is confirmed without being new cannot be; it counts as not confirmed.
            meaning = confirmed & gains
            if meaning not in known:
                known[meaning] = len(meanings) + 2
                meanings.append((sealed, meaning))
            if known[meaning] < MOST_COLORS:
                lookup[sealed | confirmed << len(years)] = known[meaning]
    if len(meanings) + 2 > MOST_COLORS:
        raise RegionError(
            f'[site] pixels: {len(years)} years are too many to show by pixel; set pixels = "never"'
        )
    return PixelCodes(len(years), tuple(meanings), lookup)


def plain_palette(codes: PixelCodes) -> bytes:
    """Return red, green, blue of each code as other programs see the tiles: the last year."""
    colors = [(0, 0, 0), (207, 223, 232)]
    last = codes.years - 1
    for sealed, confirmed in codes.meanings:
        now = sealed >> last & 1
        colors.append((201, 98, 34) if confirmed else (65, 24, 67) if now else (247, 248, 244))
    return bytes(channel for color in colors for channel in color)


def encode(numbers: Bytes, palette: bytes) -> bytes:
    """Return a PNG of palette numbers, shape (height, width); ``palette`` is red, green, blue.

    Colour 0 is transparent. Up to 16 colours take half a byte a pixel. The same numbers give the
    same bytes with the same zlib.
    """
    height, width = numbers.shape
    bits = 4 if len(palette) <= 3 * FEW_COLORS else 8
    head = struct.pack(">IIBBBBB", width, height, bits, PALETTE_KIND, 0, 0, 0)
    rows = np.zeros((height, (width * bits + 7) // 8 + 1), np.uint8)
    # Each row begins with filter 0, none.
    if bits == 8:
        rows[:, 1:] = numbers
    else:
        np.left_shift(numbers[:, ::2], 4, out=rows[:, 1:])
        rows[:, 1 : width // 2 + 1] |= numbers[:, 1::2]
    return b"".join(
        (
            SIGNATURE,
            _chunk(b"IHDR", head),
            _chunk(b"PLTE", palette),
            _chunk(b"tRNS", b"\x00"),
            _chunk(b"IDAT", _packed(rows.tobytes())),
            _chunk(b"IEND", b""),
        )
    )


def _packed(content: bytes) -> bytes:
    runs = _deflated(content, *RUNS)
    search = SHORT if len(runs) > NOISY * len(content) else LONG
    return min(runs, _deflated(content, *search), key=len)


def _deflated(content: bytes, level: int, strategy: int) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy)
    return packer.compress(content) + packer.flush()


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def decode(content: bytes) -> Bytes:
    """Return the numbers of a PNG that ``encode`` made, shape (height, width).

    >>> decode(encode(np.array([[0, 1, 15], [2, 1, 3]], np.uint8), bytes(48))).tolist()
    [[0, 1, 15], [2, 1, 3]]
    >>> decode(encode(np.array([[0, 1], [2, 16]], np.uint8), bytes(51))).tolist()
    [[0, 1], [2, 16]]
    """
    width, height, bits = struct.unpack(">IIB", content[16:25])
    at = len(SIGNATURE)
    while content[at + 4 : at + 8] != b"IDAT":
        at += 12 + struct.unpack_from(">I", content, at)[0]
    (length,) = struct.unpack_from(">I", content, at)
    rows = np.frombuffer(zlib.decompress(content[at + 8 : at + 8 + length]), np.uint8)
    packed = rows.reshape(height, -1)[:, 1:]
    if bits == 8:
        return packed
    numbers = np.empty((height, 2 * packed.shape[1]), np.uint8)
    numbers[:, ::2], numbers[:, 1::2] = packed >> 4, packed & 15
    return numbers[:, :width]
