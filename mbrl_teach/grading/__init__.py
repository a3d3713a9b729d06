"""Grading: what a check is, the checks of every assignment, and the tools around nbgrader."""
