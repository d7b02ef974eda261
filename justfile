# hexseal's front door. From a fresh clone: pip install rust-just && just build

# Tests of the quick tier: everything without a marker
quick := "not (browser or real_data or slow or wheel)"

# A worker per core; a file's tests run on one, which makes the file's fixtures once
workers := "-n auto --dist loadfile --no-loadscope-reorder"

bin := if os_family() == "windows" { ".venv/Scripts" } else { ".venv/bin" }

# List the recipes
default:
    @just --list

# Build the site of regions/REGION.toml into site/
build REGION="sample" *OPTIONS: setup
    @{{bin}}/hexseal build regions/{{REGION}}.toml {{OPTIONS}}

# Download the inputs that the [fetch] table of regions/REGION.toml names
fetch REGION *OPTIONS: setup
    @{{bin}}/hexseal fetch regions/{{REGION}}.toml {{OPTIONS}}

# Check the inputs of regions/REGION.toml
check REGION="sample" *OPTIONS: setup
    @{{bin}}/hexseal check regions/{{REGION}}.toml {{OPTIONS}}

# Measure a polygon file against the rasters of regions/REGION.toml
areas REGION POLYGONS *OPTIONS: setup
    @{{bin}}/hexseal areas regions/{{REGION}}.toml {{POLYGONS}} {{OPTIONS}}

# Compare the maps of regions/REGION.toml with a reference sample
accuracy REGION POINTS *OPTIONS: setup
    @{{bin}}/hexseal accuracy regions/{{REGION}}.toml {{POINTS}} {{OPTIONS}}

# Join finished sites of neighbouring regions: just merge north/site south/site --out both/site
merge *ARGUMENTS: setup
    @{{bin}}/hexseal merge {{ARGUMENTS}}

# Check a finished site
verify SITE="site": setup
    @{{bin}}/hexseal verify {{SITE}}

# Check the HTML of a built site with the Nu validator: 32 MB from npm, once, and Java 11 or later
validate SITE="site":
    npm install --silent --no-audit --no-fund --no-save --prefix work/vnu vnu-jar@26.9.27
    java -Xss8m -jar work/vnu/node_modules/vnu-jar/build/dist/vnu.jar --errors-only --skip-non-html {{SITE}}

# Make a simulated island with a region file to build and to copy
simulate FOLDER *OPTIONS: setup
    @{{bin}}/hexseal simulate {{FOLDER}} {{OPTIONS}}

# Run any command of hexseal: just run sample plan regions/sample.toml
run *ARGUMENTS: setup
    @{{bin}}/hexseal {{ARGUMENTS}}

# Write what is generated from the code: docs/reference and the page script's columns.ts
reference: setup
    @{{bin}}/python tools/write_reference.py
    @{{bin}}/python tools/write_columns.py

# Write requirements.hashes: the hashes of what requirements.lock names
hashes: setup
    #!/usr/bin/env bash
    set -euo pipefail
    {{bin}}/python -m pip install --quiet --disable-pip-version-check uv
    head -3 requirements.hashes > requirements.hashes.new
    grep -v '^torch==' requirements.lock | {{bin}}/uv pip compile - --universal --python-version 3.11.7 \
        --no-deps --generate-hashes --no-header --no-annotate --quiet >> requirements.hashes.new
    mv requirements.hashes.new requirements.hashes

# Build wheel and sdist of hexseal, and the wheel of its model, into dist/
dist: setup
    @{{bin}}/python -m hatchling build -t wheel -t sdist -d dist
    @cd ml/weights && {{absolute_path(bin)}}/python -m hatchling build -t wheel -d ../../dist

# Run the unit and stage tests on all cores
test *OPTIONS: setup
    @{{bin}}/python -m pytest {{workers}} -m "{{quick}}" {{OPTIONS}}

# Run all tests, as CI does: also browser, real data, slow ones and the wheel
test-all *OPTIONS: setup
    @{{bin}}/python -m pytest {{workers}} {{OPTIONS}}

# Check style, types and the rule between packages
lint: setup
    @{{bin}}/ruff check .
    @{{bin}}/ruff format --check .
    @{{bin}}/basedpyright
    @{{bin}}/lint-imports
    @{{bin}}/python tools/write_columns.py --check

# Build docs/ as HTML into docs/_build; a warning is an error
docs: setup
    @{{bin}}/python -m sphinx -q -W --keep-going -b html docs docs/_build

# Serve the built site on this machine
serve *OPTIONS: setup
    @{{bin}}/hexseal serve site {{OPTIONS}}

# Compare hexseal's speed with its peers: ratios in one run
bench *OPTIONS: setup
    @{{bin}}/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.lock
    @{{bin}}/python bench/delta.py {{OPTIONS}}

# CPU of commands that do no work, beside importing what a build needs
bench-startup *OPTIONS: setup
    @{{bin}}/python bench/startup.py {{OPTIONS}}

# Sizes of the built datasets, and what a spatial query reads over http
bench-datasets *OPTIONS: setup
    @{{bin}}/python bench/datasets.py {{OPTIONS}}

# Compare hexseal areas with decoding and exactextract: ratios in one run
bench-areas *OPTIONS: setup
    @{{bin}}/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.lock
    @{{bin}}/python bench/areas.py {{OPTIONS}}

# Compare vector tiles and patch outlines with other ways to make them: ratios in one run
bench-tiles *OPTIONS: setup
    @{{bin}}/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.lock
    @{{bin}}/python bench/tiles.py {{OPTIONS}}

# Big regions: time and memory per stage, workers against one, a cluster that loses a worker
bench-scale *OPTIONS: setup
    @{{bin}}/python bench/scale.py {{OPTIONS}}

# Grade pairs of maps with every kind of error, their truth known; --short for a minute
bench-statistics *OPTIONS: setup
    @{{bin}}/python bench/grades.py {{OPTIONS}}

# Judge 20 simulated islands the whole way from rasters, their truth known
bench-simulation *OPTIONS: setup
    @{{bin}}/python bench/change.py {{OPTIONS}}

# Draw and label samples of simulated regions whose truth is known: do the intervals hold?
bench-sample *OPTIONS: setup
    @{{bin}}/python bench/sample.py {{OPTIONS}}

# Train a model by a file of ml/configs/; a killed training resumes
train CONFIG="ml/configs/clcplus-forward-b2.toml" *OPTIONS: setup
    @{{bin}}/hexseal-ml train {{CONFIG}} {{OPTIONS}}

# Train the shipped model from nothing: simulated regions, then three steps on real images too
train-shipped *OPTIONS: setup
    @{{bin}}/hexseal-ml train ml/configs/clcplus-forward-b2.toml {{OPTIONS}}
    @{{bin}}/hexseal-ml train ml/configs/clcplus-forward-b2-real.toml {{OPTIONS}}
    @{{bin}}/hexseal-ml train ml/configs/clcplus-forward-b2-real-2.toml {{OPTIONS}}
    @{{bin}}/hexseal-ml train ml/configs/clcplus-forward-b2-real-3.toml {{OPTIONS}}
    @{{bin}}/hexseal-ml spread work/models/real-3

# Compare the shipped model with labels of the sample and of real images
evaluate *OPTIONS: setup
    @{{bin}}/hexseal-ml evaluate ml/configs/evaluate-sample.toml {{OPTIONS}}
    @{{bin}}/python bench/real_images.py
    @{{bin}}/hexseal-ml evaluate ml/configs/evaluate-real.toml {{OPTIONS}}

# Compare prediction with a plain loop over windows: ratios in one run
bench-forward *OPTIONS: setup
    @{{bin}}/python bench/forward.py {{OPTIONS}}

# Whether the model's confidence knows anything, plain and as the mean of turned images
bench-confidence *OPTIONS: setup
    @{{bin}}/python bench/confidence.py {{OPTIONS}}

# What a year of dates brings: TempCNN and SegFormer on one date and on several
bench-tempcnn *OPTIONS: setup
    @{{bin}}/python bench/tempcnn.py {{OPTIONS}}

# Compare class weights of the loss by the area they map: three small trainings
bench-weights *OPTIONS: setup
    @{{bin}}/python bench/class_weights.py {{OPTIONS}}

# Compare the sample's forward year with the simulated truth
bench-truth *OPTIONS: setup
    @{{bin}}/python bench/forward_truth.py {{OPTIONS}}

# Means of the weights of models shipped one after the other
bench-averages *OPTIONS: setup
    @{{bin}}/python bench/averages.py {{OPTIONS}}

# Whether the intervals of a place without a map hold the simulated truth
bench-uncovered *OPTIONS: setup
    @{{bin}}/python bench/uncovered.py {{OPTIONS}}

# Open the built sample and a site of 500 000 hexagons in Chromium: times and longest tasks
bench-dashboard *OPTIONS: setup
    @{{bin}}/python bench/dashboard.py {{OPTIONS}}

# Sort, filter and search ten thousand areas against the site's own few: ratios in one run
bench-many-areas *OPTIONS: setup
    @{{bin}}/python bench/many_areas.py {{OPTIONS}}

# Remove the built site and all intermediate files
clean:
    rm -rf work site/* site/.hexseal-site site_template/dist

# Make the virtual environment with the pinned dependencies, if it is missing or out of date
[private]
setup:
    #!/usr/bin/env python3
    import hashlib, pathlib, subprocess, sys, venv
    if sys.version_info < (3, 11):
        sys.exit("hexseal needs Python 3.11 or newer; this is %s" % sys.version.split()[0])
    home = pathlib.Path(".venv")
    files = ("requirements.hashes", "requirements.lock", "pyproject.toml")
    wanted = b"".join(pathlib.Path(name).read_bytes() for name in files)
    stamp, key = home / ".hexseal-setup", hashlib.sha256(wanted).hexdigest()
    if stamp.is_file() and stamp.read_text() == key:
        sys.exit(0)
    print("Setting up .venv (once)", flush=True)
    venv.create(home, with_pip=True)
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Whatever has hashes is checked against them; torch, whose builds differ, comes with the second.
    for arguments in (["--no-deps", "--require-hashes", "-r", "requirements.hashes"], ["-r", "requirements.lock"], ["--no-deps", "--no-build-isolation", "--editable", "."]):
        if subprocess.run(pip + arguments).returncode:
            sys.exit("setting up failed: see pip's message above, fix it and run just again")
    stamp.write_text(key)
