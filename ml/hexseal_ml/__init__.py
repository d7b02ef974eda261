"""CLC+ Forward: Sentinel-2 images in, a land-cover raster with CLC+ codes out.

hexseal never imports this package: a prediction is just another land-cover raster, so sites
build without torch. Imports point one way, from the last line to the first:

    bands < classes < imagery < model < folder < windows < blending < rasters_out < predict
    < scenes < split < tiles < sources < augment < sampling < train_config < training_state
    < validation < model_card < training < metrics < baselines < evaluate_config < pictures
    < evaluate < charts < report < cli_train < cli_predict < cli_evaluate < cli
"""
