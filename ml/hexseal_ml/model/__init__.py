"""The network, its classes, and the folder that keeps it."""
