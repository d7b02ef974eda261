"""What changed between two years: pixel states, patches, decoys, counts of each pair."""
