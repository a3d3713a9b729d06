"""Model-based reinforcement learning, as a library that reads like its derivations."""

__version__ = "0.1.0"
