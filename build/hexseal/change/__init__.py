"""What changed, and how sure that is: pure functions on arrays and table columns, no files.

Imports point one way:

    states < scan < patches < decoys < adjusted < transfer < reference < notes
"""
