"""Carriers of job references; they may lose or repeat one without harm."""
