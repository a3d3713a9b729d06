"""Worlds learned from experience, with the face of the true ones."""
