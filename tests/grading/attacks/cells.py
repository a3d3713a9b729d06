"""Which cell of a notebook is which."""


def id_of(cell):
    """The cell's name."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def checks_of(notebook):
    """The test cells."""
    return [cell for cell in notebook.cells if id_of(cell).startswith("check_")]


def cell_of(notebook, grade_id):
    """The cell of this name."""
    return next(cell for cell in notebook.cells if id_of(cell) == grade_id)
