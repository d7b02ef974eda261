"""The H3 lattice as drawn on a plane: which pixels belong to which cell."""
