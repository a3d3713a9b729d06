"""What a live figure reads must stay its own: a name that a later cell binds anew would move its sliders."""

import symtable

import nbformat


def read_globals(table: symtable.SymbolTable) -> set[str]:
    """The notebook's names that a function, and those inside it, read."""
    names = {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}
    return names.union(*(read_globals(child) for child in table.get_children()))


def bound_names(table: symtable.SymbolTable) -> set[str]:
    return {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_namespace()}


def rebound(sources: list[str]) -> list[str]:
    """`figure's cell: name` for each name that a live figure needs and that a cell after it binds."""
    cells = [symtable.symtable(source, f"cell {i}", "exec") for i, source in enumerate(sources)]
    functions = {}
    for cell in cells:
        functions |= {child.get_name(): read_globals(child) for child in cell.get_children()}
    found = []
    for i, (source, cell) in enumerate(zip(sources, cells, strict=True)):
        if "LiveFigure(" not in source:
            continue
        needed, waiting = set(), [c.get_name() for c in cell.get_children() if c.get_name() in source]
        while waiting:
            new = functions.get(waiting.pop(), set()) - needed
            needed |= new
            waiting += new
        later = set().union(*(bound_names(other) for other in cells[i + 1 :]))
        found += [f"cell {i}: {name}" for name in sorted(needed & later)]
    return found


def test_no_later_cell_binds_a_name_that_a_live_figure_reads(notebook):
    cells = nbformat.read(notebook, as_version=4).cells
    assert rebound([cell.source for cell in cells if cell.cell_type == "code"]) == []


def test_a_name_bound_again_is_found_also_through_other_functions():
    first = "def pay(x):\n    return weight * x\n\ndef move(x):\n    line.set_ydata(pay(x))\n\nLiveFigure(fig, move)"
    assert rebound([first, "other = 1"]) == []
    assert rebound([first, "line, = ax.plot([0])"]) == ["cell 0: line"]
    assert rebound([first, "for weight in (1, 2):\n    print(weight)"]) == ["cell 0: weight"]
