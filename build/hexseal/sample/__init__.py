"""A reference sample of labelled blocks: planned, drawn, labelled offline, estimated."""
