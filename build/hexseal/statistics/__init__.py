"""From counts to published figures: noise, adjusted change, notes, transitions."""
