"""Boxes of regions on both sides of 180 degrees, in every document."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import shapely
from browser.made_site import made_region

from hexseal.datasets.geoparquet import Extent
from hexseal.metadata import Description, dcat, schema_org, stac_documents
from hexseal.types import Box

FIJI = Box(178.5, -18.5, -179.0, -16.0)
WHOLE = "MULTIPOLYGON(((178.5 -18.5,180.0 -18.5,180.0 -16.0,178.5 -16.0,178.5 -18.5)),"


@pytest.fixture
def description(tmp_path: Path) -> Description:
    return Description(
        region=made_region(tmp_path),
        sources={"2018": "A map"},
        attribution="Somebody",
        licence=None,
        bounds=FIJI,
        resources=(),
        software="hexseal",
    )


def extent(*shapes: shapely.Geometry) -> list[float]:
    found = Extent()
    for shape in shapes:
        found.add(np.array([shape], dtype=object))
    return found.box


def test_outlines_on_both_sides_have_a_box_across() -> None:
    cut = shapely.MultiPolygon([shapely.box(179, -17, 180, -16), shapely.box(-180, -17, -179, -16)])
    assert extent(cut) == [179, -17, -179, -16]
    sides = shapely.box(178.5, -18.5, 179, -18), shapely.box(-179.5, -18, -179, -16)
    assert extent(*sides) == [178.5, -18.5, -179, -16]


def test_other_outlines_have_the_box_around_them() -> None:
    assert extent(shapely.box(-10, 40, 20, 60)) == [-10, 40, 20, 60]
    assert extent(shapely.box(-180, -90, 180, 90)) == [-180, -90, 180, 90]
    world = shapely.box(-170, 0, -60, 10), shapely.box(-60, 0, 60, 10), shapely.box(60, 0, 170, 10)
    assert extent(*world) == [-170, 0, 170, 10]
    oceans = shapely.box(-61, 14, -60, 15), shapely.box(55, -22, 56, -20)
    assert extent(*oceans) == [-61, -22, 56, 15]


def test_stac_writes_the_box_as_rfc_7946_and_cuts_its_shape(description: Description) -> None:
    collection = stac_documents(description)["stac/collection.json"]
    assert collection["extent"]["spatial"]["bbox"] == [[178.5, -18.5, -179.0, -16.0]]  # type: ignore[index]


def test_dcat_and_schema_org_cut_the_box(description: Description) -> None:
    box = dcat(description)["dct:spatial"]["dcat:bbox"]["@value"]  # type: ignore[index]
    assert box.startswith(WHOLE)
    assert shapely.from_wkt(box).bounds == (-180.0, -18.5, 180.0, -16.0)
    boxes = schema_org(description, "en")["spatialCoverage"]["geo"]  # type: ignore[index]
    assert [shape["box"] for shape in boxes] == [
        "-18.5 178.5 -16.0 180.0",
        "-18.5 -180.0 -16.0 -179.0",
    ]
    usual = replace(description, bounds=Box(1.0, 2.0, 3.0, 4.0))
    assert schema_org(usual, "en")["spatialCoverage"]["geo"]["box"] == "2.0 1.0 4.0 3.0"  # type: ignore[index]
    assert usual.first_day >= date(2000, 1, 1)
