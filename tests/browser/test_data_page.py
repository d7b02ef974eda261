"""The data page: code is copied, addresses are real, and nothing needs the script."""

from journey import Journey


def test_code_is_copied_and_said(journey: Journey) -> None:
    journey.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = journey.page
    page.goto(journey.addresses["range"] + "data.html")
    button = page.locator("#duckdb-http .copy-code")
    button.click()
    journey.until(lambda: button.inner_text() == "Copied", "the button says that it copied")
    assert page.locator("#copied").inner_text() == "Copied"
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#duckdb-http code").text_content()
    # Served pages know where their files lie.
    assert f"FROM '{journey.addresses['range']}data/made-up_hexagons_r8.parquet'" in copied
    assert "DuckDB" in (button.get_attribute("aria-label") or "")
    box = button.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 24


def test_the_french_page_names_the_same_files(journey: Journey) -> None:
    page = journey.page
    page.goto(journey.addresses["range"] + "fr/data.html")
    assert page.locator("html").get_attribute("lang") == "fr"
    assert page.locator("#duckdb-local .copy-code").inner_text() == "Copier"
    code = page.locator("#duckdb-http code").text_content() or ""
    assert f"'{journey.addresses['range']}data/made-up_hexagons_r8.parquet'" in code


def test_a_folder_keeps_the_example_address(journey: Journey) -> None:
    journey.page.goto(journey.addresses["file"] + "data.html")
    code = journey.page.locator("#duckdb-http code").text_content() or ""
    assert "https://example.org/site/data/" in code


def test_a_narrow_page_scrolls_down_only(journey: Journey) -> None:
    journey.page.set_viewport_size({"width": 320, "height": 700})
    journey.page.goto(journey.addresses["file"] + "fr/data.html")
    wide = journey.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 320


def test_the_dashboard_leads_to_all_files(journey: Journey) -> None:
    journey.open("file")
    links = journey.page.locator("#data .main-files a")
    names = [link.get_attribute("href") for link in links.all()]
    assert "data/made-up_hexagons_r8.parquet" in names
    assert "data/made-up_areas.csv.gz" in names
    journey.page.locator("#data a[href='data.html']").click()
    assert journey.page.locator("h1").inner_text() == "Data"
