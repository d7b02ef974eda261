"""Accuracy, baselines, pictures and the report."""
