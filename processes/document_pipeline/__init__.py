"""Document pipeline: the same transformations for each document, and a reviewer for those in doubt."""
