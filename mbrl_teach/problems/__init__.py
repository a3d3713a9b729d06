"""Worlds: pure batched functions of state and action, with their derivatives."""
