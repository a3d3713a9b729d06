"""Planners, which make a plan from a state and a model, and the receding horizon around any of them."""
