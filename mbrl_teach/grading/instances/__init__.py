"""Random instances on which the checks try a function, one module per assignment."""
