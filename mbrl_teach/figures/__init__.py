"""Figures that every reader can read, and figures that answer a slider."""
