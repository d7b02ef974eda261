"""The files of work/ID, the folder of a build's intermediate files: named here, nowhere else.

``data/merge`` of a site holds some of them under the same names: WorkFolder names those too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hexseal.types import Pair

# What only a clone of hexseal holds.
CLONE = "site_template/build.mjs"
Unit = Literal["cells", "zones"]
Published = Literal["hexagons", "areas"]
# What is kept of the patches that reach a region's border, see hexseal.change.border.
BORDER: tuple["Border", ...] = ("patches", "cells", "zones", "judges")
Border = Literal["patches", "cells", "zones", "judges"]


def default_site(region_file: Path) -> Path:
    """Return the site's folder where none is given: site/ of a clone of hexseal, or beside it.

    A region file lies in a clone where one of the folders above it holds hexseal's own sources.
    """
    home = region_file.absolute().parent
    clones = (folder for folder in (home, *home.parents) if (folder / CLONE).is_file())
    site = next(clones, region_file.parent) / "site"
    here = Path.cwd()
    return site.relative_to(here) if site.is_relative_to(here) else site


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """Paths in the work folder of one region; docs/development/files.md lists their writers."""

    folder: Path

    @classmethod
    def beside(cls, site: Path, region: str) -> "WorkFolder":
        """Return the folder of a region (its id) whose site is or will be ``site``."""
        return cls(site.absolute().parent / "work" / region)

    @property
    def lock(self) -> Path:
        """Return the file that one build at a time holds."""
        return self.folder / ".lock"

    @property
    def run(self) -> Path:
        """Return what the last build did, stage by stage; written while it runs."""
        return self.folder / "run.json"

    def units(self, stage: str) -> Path:
        """Return the folder of a stage's finished units."""
        return self.folder / "units" / stage

    @property
    def cells(self) -> Path:
        """Return the counts of the finest hexagons by joint class."""
        return self.folder / "cells.parquet"

    @property
    def zones(self) -> Path:
        """Return the counts of the areas by joint class."""
        return self.folder / "zones.parquet"

    @property
    def zone_shapes(self) -> Path:
        """Return names, inhabitants and outlines of the areas."""
        return self.folder / "zone_shapes.parquet"

    def counted(self, pairs: Sequence[Pair]) -> tuple[Path, ...]:
        """Return all tables of counts, by joint class and by state: rows of one owner add up."""
        evidence = (self.evidence(pair, unit) for pair in pairs for unit in ("cells", "zones"))
        return self.cells, self.zones, *evidence

    @property
    def counts(self) -> tuple[Path, ...]:
        """Return what counting writes."""
        return self.cells, self.zones, self.zone_shapes

    @property
    def counts_stamp(self) -> Path:
        """Return the stamp of the inputs that the counts were made from."""
        return self.folder / "delta.json"

    @property
    def change_stamp(self) -> Path:
        """Return the stamp of the inputs that change was judged from."""
        return self.folder / "change.json"

    def evidence(self, pair: Pair, unit: Unit) -> Path:
        """Return the counts of a pair's states per hexagon or area."""
        return self.folder / f"evidence_{pair.key}_{unit}.parquet"

    def report(self, pair: Pair) -> Path:
        """Return how a pair was judged."""
        return self.folder / f"evidence_{pair.key}.json"

    def patches(self, pair: Pair) -> Path:
        """Return the listed patches of a pair."""
        return self.folder / f"patches_{pair.key}.parquet"

    def change(self, pairs: Sequence[Pair]) -> tuple[Path, ...]:
        """Return what judging the change of some pairs writes."""
        return tuple(
            path
            for pair in pairs
            for path in (
                self.report(pair),
                self.evidence(pair, "cells"),
                self.evidence(pair, "zones"),
                self.patches(pair),
                self.judged(pair),
                *self.borders(pair),
            )
        )

    def border(self, pair: Pair, part: Border) -> Path:
        """Return a part of what is kept of a pair's patches that reach the region's border."""
        return self.folder / f"border_{pair.key}_{part}.parquet"

    def borders(self, pair: Pair) -> tuple[Path, ...]:
        """Return all that is kept of a pair's patches that reach the region's border."""
        return tuple(self.border(pair, part) for part in BORDER)

    def judged(self, pair: Pair) -> Path:
        """Return the fate of each part of a patch, by which other areas can be counted."""
        return self.folder / f"judged_{pair.key}.npz"

    @property
    def hexagons(self) -> Path:
        """Return the published figures of all hexagons."""
        return self.published("hexagons")

    @property
    def areas(self) -> Path:
        """Return the published figures of the region and its areas."""
        return self.published("areas")

    def published(self, table: Published) -> Path:
        """Return the published figures of hexagons or areas."""
        return self.folder / f"{table}.parquet"

    @property
    def judgement(self) -> Path:
        """Return how each pair was judged, for the pages."""
        return self.folder / "judgement.json"

    def transitions(self, unit: str) -> Path:
        """Return new sealed by former class of areas or hexagons."""
        return self.folder / f"transition_{unit}.parquet"

    @property
    def accuracy(self) -> Path:
        """Return the report of the region's reference sample."""
        return self.folder / "accuracy.json"

    @property
    def sample_report(self) -> Path:
        """Return the result of the region's labelled blocks."""
        return self.folder / "reference_sample.json"

    @property
    def reference(self) -> Path:
        """Return the figures of a labelled sample as statistics take them."""
        return self.folder / "reference.json"

    @property
    def sample_labels(self) -> Path:
        """Return the labelled blocks as they are published."""
        return self.folder / "reference_sample.csv"

    def layer(self, name: str) -> Path:
        """Return one of the map's further archives."""
        return self.folder / "layers" / f"{name}.pmtiles"

    def layer_stamp(self, name: str) -> Path:
        """Return what says from which inputs an archive was made."""
        return self.folder / "layers" / f"{name}.json"

    def manifest(self, stage: str) -> Path:
        """Return what a stage left for later ones, see hexseal.manifest."""
        return self.folder / "manifest" / f"{stage}.json"

    @property
    def inputs(self) -> Path:
        """Return the checksums of the inputs."""
        return self.folder / "inputs.json"

    @property
    def forward(self) -> Path:
        """Return the folder of years that a model makes, see ForwardFolder."""
        return self.folder / "forward"

    @property
    def dask(self) -> Path:
        """Return the folder of a local cluster's workers while it runs."""
        return self.folder / ".dask"

    def spill(self, name: str = "*") -> Path:
        """Return the folder that a database spills into; one of any name is a pattern."""
        return self.folder / f".duckdb-{name}"


@dataclass(frozen=True, slots=True)
class ForwardFolder:
    """Paths of the years that a model makes."""

    folder: Path

    def landcover(self, year: int) -> Path:
        """Return the map of a year."""
        return self.folder / f"landcover_{year}.tif"

    def confidence(self, year: int) -> Path:
        """Return the confidence of a year's map."""
        return self.folder / f"confidence_{year}.tif"

    def report(self, year: int) -> Path:
        """Return how the model compares with maps."""
        return self.folder / f"forward_{year}.json"

    def stamp(self, year: int) -> Path:
        """Return what says from which inputs a year was made."""
        return self.folder / f"forward_{year}_stamp.json"

    def prediction(self, year: int, made: int) -> Path:
        """Return where the model's rasters of a year begin, which serve to make the year ``made``.

        Each is named by it and a kind: ``_landcover.tif``, ``_confidence.tif``.
        """
        name = f"model_{year}" if year == made else f"model_{year}_for_{made}"
        return self.folder / name
