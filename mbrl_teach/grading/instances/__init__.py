"""Random instances on which checks try a function, one module per assignment that needs many."""
