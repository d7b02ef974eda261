"""Maps against a reference sample: estimators, readers of points and LUCAS, the report."""
