"""Loops that act in a Gymnasium environment, learn a model of it, and plan in the model."""
