"""Right answers to the tasks, and how each known mistake differs from them; one module per assignment."""
