"""Prediction of whole images."""
