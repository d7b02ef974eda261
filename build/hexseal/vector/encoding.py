"""The text encoding of shapefiles: .cpg, the language byte of the .dbf, and the text itself.

A .cpg or language byte is believed only where the text fits it. Text whose every accented word is
valid UTF-8 is UTF-8: no name in a one-byte encoding looks like that by chance.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# Language driver byte of a .dbf, by code page (dBASE and ESRI's documentation of dBASE files).
_LANGUAGES: dict[int, str] = {
    437: "01 09 0b 0d 0f 11 15 18 19 1b", 850: "02 0a 0e 10 12 14 16 1a 1d 25 37",
    852: "1f 22 23 40 64 87", 857: "6b 88", 860: "24", 861: "67", 863: "1c 6c", 865: "08 17 66",
    866: "26 65", 737: "6a 86", 874: "50 7c", 932: "13 7b", 936: "4d 7a", 949: "4e 79",
    950: "4f 78", 1250: "c8", 1251: "c9", 1252: "03 57 58 59", 1253: "cb", 1254: "ca",
    1255: "7d", 1256: "7e", 1257: "cc",
}  # fmt: skip
LANGUAGE_CODECS = {
    int(byte, 16): f"cp{page}" for page, listed in _LANGUAGES.items() for byte in listed.split()
}
DOS = ("cp850", "cp852", "cp866")
USUAL = "cp1252"
# So much of a .dbf is looked at.
SAMPLE_BYTES = 4_000_000
ACCENTED = re.compile(rb"[^\x00 \x1a]*[\x80-\xff][^\x00 \x1a]*")
# Signs besides letters that names hold in a Windows code page.
USUAL_SIGNS = frozenset("’‘“”«»–—ªº°·…\xa0")
FITTING = 0.6
# Three such letters in a row, one in capitals after a small one, or a sign within a word: no name
# of Western Europe has them.
ODD = re.compile(
    r"[À-ÖØ-öø-ÿŒœŠšŽžŸ]{3}|[a-zà-öø-ÿœšž][À-ÖØ-ÞŒŠŽŸ]|[£¥¦§©®±²³¹µ¶¼½¾¿¡]\w|\w[£¥¦§©®±µ¶¼½¾¿¡]"
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """The codec of a shapefile's text, and a warning where the file names another one."""

    codec: str
    warning: str = ""

    def text(self, content: bytes) -> str:
        """Decode a field; a UTF-8 character that its width cut off is left out."""
        try:
            return content.decode(self.codec)
        except UnicodeDecodeError as err:
            if err.reason == "unexpected end of data":
                return content[: err.start].decode(self.codec)
            return content.decode(self.codec, errors="replace")


def shapefile_encoding(shapefile: Path) -> Encoding:
    """Return the encoding of the .dbf beside a shapefile."""
    table = beside(shapefile, ".dbf")
    if table is None:
        return Encoding(USUAL)
    with table.open("rb") as stream:
        sample = stream.read(SAMPLE_BYTES)
    language = LANGUAGE_CODECS.get(sample[29]) if len(sample) > 29 else None
    page = beside(shapefile, ".cpg")
    named = page.read_bytes()[:64].decode("latin-1").strip("\x00\ufeff \t\r\nï»¿") if page else ""
    return choose(ACCENTED.findall(sample[32:]), named, language)


def beside(path: Path, suffix: str) -> Path | None:
    """Return the file of the same stem with another suffix, in any case."""
    wanted = f"{path.stem}{suffix}".lower()
    try:
        return next(
            (other for other in path.parent.iterdir() if other.name.lower() == wanted), None
        )
    except OSError:
        return None


def choose(words: Iterable[bytes], cpg: str, language: str | None) -> Encoding:
    """Choose the codec of ``words`` by the .cpg, the language byte's codec, and the text.

    >>> choose([b"N\\xeemes"], "UTF-8", None).codec
    'cp1252'
    """
    words = list(words)[:20_000]
    named = named_codec(cpg) if cpg else None
    if not words:
        return Encoding(named or language or USUAL)
    utf8 = all(map(_is_utf8, words))
    if named is not None and named != "utf-8" and not utf8 and _fits(words, named):
        return Encoding(named)
    best = "utf-8" if utf8 else _best(words, language)
    if cpg and best != named:
        why = "which its text is not" if named else "which is not a known encoding"
        return Encoding(
            best, f"its .cpg has {cpg!r}, {why}; read as {best}: correct or delete the .cpg"
        )
    if not utf8 and not cpg and best not in (language, USUAL):
        return Encoding(
            best, f"has no .cpg; its text was read as {best}: write a .cpg with that name"
        )
    odd = next((word for word in words if _is_odd(word)), None) if best == USUAL else None
    if odd is not None and not cpg and language is None:
        seen = odd.decode(USUAL, errors="replace")
        return Encoding(
            best, f"has no .cpg; its text was read as {USUAL} and looks odd ({seen[:40]!r}): write "
            "a .cpg with its encoding, such as 1250, 1251 or 1253",
        )  # fmt: skip
    return Encoding(best)


def _is_odd(word: bytes) -> bool:
    """Return whether a word in Windows-1252 looks as if it was written in another code page.

    >>> [_is_odd(text.encode("cp1252")) for text in ("Éneé", "Þórshöfn", "ÁèÞíá", "Ìîñêâà", "£ódŸ")]
    [False, False, True, True, True]
    """
    return bool(ODD.search(word.decode(USUAL, errors="replace")))


def named_codec(text: str) -> str | None:
    """Return Python's codec of the text of a .cpg, or None.

    >>> [named_codec(text) for text in ("UTF-8", "ANSI 1252", "88591", "OEM 850", "klingon")]
    ['utf-8', 'cp1252', 'cp1252', 'cp850', None]
    """
    short = re.sub(r"^(?:ansi|oem|cp|windows|ibm|dos|x-)[\s_-]*", "", text.strip().lower())
    if short in ("65001", "utf8", "utf-8", "utf_8"):
        return "utf-8"
    part = re.fullmatch(r"(?:iso[\s_-]*)?8859[\s_-]*(\d{1,2})", short)
    if part:
        # What calls itself ISO 8859-1 is Windows-1252 wherever the two differ.
        return USUAL if part[1] == "1" else _known(f"iso8859-{part[1]}")
    if short.isdigit():
        return _known(f"cp{short}")
    return USUAL if short == "latin1" else _known(short)


def _known(name: str) -> str | None:
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    if found.name.startswith(("utf-16", "utf-32")):  # names of fields have one byte a letter
        return None
    # hex, rot13 and the like are codecs of Python that turn no bytes into text.
    return found.name if getattr(found, "_is_text_encoding", True) else None


def _is_utf8(word: bytes) -> bool:
    try:
        word.decode()
    except UnicodeDecodeError as err:
        return err.reason == "unexpected end of data" and len(word) > 1
    return True


def _fits(words: list[bytes], codec: str) -> bool:
    return _letters(words, codec) >= FITTING


def _letters(words: list[bytes], codec: str) -> float:
    """Return the share of characters beyond ASCII that names are made of; 0 if undecodable."""
    try:
        beyond = [sign for word in words for sign in word.decode(codec) if ord(sign) > 127]
    except UnicodeDecodeError:
        return 0.0
    good = sum(unicodedata.category(sign)[0] == "L" or sign in USUAL_SIGNS for sign in beyond)
    return good / len(beyond) if beyond else 1.0


def _best(words: list[bytes], language: str | None) -> str:
    """Return the language byte's codec where it fits, else Windows-1252, else a DOS code page."""
    for codec in filter(None, (language, USUAL)):
        if _fits(words, codec):
            return codec
    return max((*filter(None, (language,)), USUAL, *DOS), key=lambda codec: _letters(words, codec))
