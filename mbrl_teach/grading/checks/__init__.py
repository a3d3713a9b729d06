"""The checks, one module per assignment; each task of an assignment is one `Task` object, called by name."""
