"""Training data: scenes, labels, crops, augmentation."""
