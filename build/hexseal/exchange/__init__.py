"""The record that a finished site carries so that it can be merged with its neighbours."""
