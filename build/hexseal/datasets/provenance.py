"""What the datasets are made from: every input by its checksum, licence and attribution."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from glob import glob, has_magic
from pathlib import Path

from hexseal import __version__
from hexseal.fetch import Record
from hexseal.forward.stage import forward_reports, source_titles
from hexseal.region.dataset import LICENCES
from hexseal.region.load import Licence, Region, is_remote
from hexseal.storage.cache import Checksums
from hexseal.storage.workdir import WorkFolder

MODIFIED = "counted by hexagon and area with hexseal"
NOT_ENDORSED = "Not endorsed by the producers of the data or the European Union."


@dataclass(frozen=True, slots=True)
class InputFile:
    """One input: what it is for, its file name (never its folder), and its bytes.

    ``bytes`` and ``sha256`` are None where it is read over the network or not there; ``source``
    is the address that ``hexseal fetch`` had it from.
    """

    role: str
    year: int | None
    name: str
    bytes: int | None
    sha256: str | None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who made what from what; ``sources`` names product and version by year."""

    version: str
    sources: dict[str, str]
    inputs: tuple[InputFile, ...]
    attribution: str
    licence: Licence | None

    def metadata(self, region: Region) -> dict[str, str]:
        """Return the key-value metadata of a Parquet file; structured values are JSON."""
        metadata = {
            "hexseal.version": self.version,
            "hexseal.region": region.id,
            "hexseal.title": dict(region.title),
            "hexseal.dataset_version": region.dataset.version,
            "hexseal.years": list(region.years),
            "hexseal.sources": self.sources,
            "hexseal.simulated": region.simulated,
            "hexseal.inputs": [asdict(file) for file in self.inputs],
            "hexseal.licence": self.licence.address if self.licence else "",
            "hexseal.attribution": self.attribution,
        }
        return {
            key: value
            if isinstance(value, str)
            else json.dumps(value, ensure_ascii=False, sort_keys=True)
            for key, value in metadata.items()
        }


def provenance_of(region: Region, work: Path) -> Provenance:
    """Return what a region's datasets are made from; checksums are kept in work/ID/inputs.json.

    A file is read again only when its size, times or place on the disk have changed.
    """
    checksums = Checksums(WorkFolder(work).inputs)
    inputs = tuple(_inputs(region, checksums))
    checksums.write()
    return Provenance(
        __version__, source_titles(region), inputs, attribution_of(region), licence_of(region)
    )


def licence_of(region: Region) -> Licence | None:
    """Return the licence that the region names, else that of its product; CC0 for simulations."""
    if region.dataset.licence is not None:
        return region.dataset.licence
    if region.simulated:
        return LICENCES["CC0-1.0"]
    address = region.product.terms
    if not address:
        return None
    known = [licence for licence in LICENCES.values() if licence.address == address]
    return known[0] if known else Licence(f"{region.product.title}: terms of use", address)


def attribution_of(region: Region) -> str:
    """Return the words that whoever passes the data on must repeat.

    Copernicus requires products to state that its information went in, with the DOI of each
    edition, that it was modified, and to suggest no endorsement (CLC+ Backbone user manuals).
    """
    product = region.product
    if region.simulated:
        return region.attribution
    if not region.mapped_years:
        return f"{region.attribution}. {NOT_ENDORSED}"
    editions = [product.dois[year] for year in region.years if year in product.dois]
    addresses = ", ".join(f"https://doi.org/{doi}" for doi in editions)
    if not addresses:
        source = product.attribution
    elif product.wording:
        source = product.wording.format(dois=addresses)
    else:
        source = f"{product.attribution}; {addresses}"
    return f"{source}. The information was modified: {MODIFIED}. {NOT_ENDORSED}"


def _inputs(region: Region, checksums: Checksums) -> Iterator[InputFile]:
    for role, year, address in _addresses(region):
        for name in _files(address):
            path = Path(name)
            if is_remote(name) or not path.is_file():
                yield InputFile(role, year, path.name, None, None)
            else:
                digest, size = checksums.of(path), path.stat().st_size
                source = Record(path.parent).source_of(path.name, digest)
                yield InputFile(role, year, path.name, size, digest, source)
    for year, report in forward_reports(region).items():
        yield InputFile("model", year, report.model, None, report.checksum)


def _files(address: str) -> list[str]:
    if is_remote(address) or not has_magic(address):
        return [address]
    return sorted(glob(address, recursive=True)) or [address]  # noqa: PTH207


def _addresses(region: Region) -> Iterator[tuple[str, int | None, str]]:
    for epoch in region.epochs:
        if epoch.forward is not None:
            if epoch.forward.calibration_imagery is not None:
                yield "imagery", epoch.forward.calibrate_on, epoch.forward.calibration_imagery
            yield "imagery", epoch.year, epoch.forward.imagery
            if epoch.forward.reference is not None:
                yield "reference", epoch.year, epoch.forward.reference
            continue
        yield "landcover", epoch.year, epoch.landcover
        for role, mask in (
            ("confidence", epoch.confidence), ("post_processing", epoch.post_processing)
        ):  # fmt: skip
            if mask is not None:
                yield role, epoch.year, mask
    for layer in region.areas:
        yield f"areas {layer.layer}", None, layer.path
    if region.accuracy.points is not None:
        yield "reference sample", None, region.accuracy.points
    for path in region.accuracy.sample:
        yield "reference sample", None, path
