"""Quality report of the inputs, before anything is counted."""
