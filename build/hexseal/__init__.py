"""hexseal: land-cover rasters of several years in, hexagon datasets and a static site out.

Imports point one way, from the last line to the first:

    errors < progress < products < toml_tables < config_change < config_dataset
    < config_epochs < config_fetch < config_fetch_tables < config < codebook < files
    < grid < cog < rasters < vectors < checks_report < checks_files < forward_report
    < forward_rasters < forward < fetch < checks_pixels < check < simulate
    < icosahedron < scanline < cells < joint < tally < zones < database < delta < change
    < evidence_source < evidence_counts < worklist < evidence < judgement < statistics
    < transitions < accuracy_report < accuracy_table < accuracy_lucas < accuracy_points
    < accuracy_map < accuracy_strata < accuracy_words < accuracy < custom_areas < mvt
    < summaries < metadata < tiles < layers < datasets < merge < frontend < pages < verify < serve
    < pipeline < merge_build < cli_accuracy < cli_fetch < cli_merge < cli
"""

__version__ = "0.1.0"
