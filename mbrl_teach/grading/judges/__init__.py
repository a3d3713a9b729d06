"""Judges for answers that no single right answer can be compared with, one module per assignment."""
