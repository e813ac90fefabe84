"""Figures of the whole service, from the real processes."""
