"""What a live figure reads must stay its own: a name that a later cell binds anew would move its sliders."""

import ast
import itertools
import symtable

import nbformat


def read_globals(table: symtable.SymbolTable) -> set[str]:
    """The notebook's names that a function, and those inside it, read."""
    names = {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}
    return names.union(*(read_globals(child) for child in table.get_children()))


def bound_names(table: symtable.SymbolTable) -> set[str]:
    """The names that a cell assigns, defines or imports."""
    bind = lambda symbol: symbol.is_assigned() or symbol.is_namespace() or symbol.is_imported()
    return {symbol.get_name() for symbol in table.get_symbols() if bind(symbol)}


def named_lambdas(source: str) -> list[tuple[str, set[str]]]:
    """The names that a cell gives to lambdas, with what each lambda reads; a symbol table knows none of them."""
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            inside = list(ast.walk(node.value))
            names = {x.id for x in inside if isinstance(x, ast.Name)} - {
                x.arg for x in inside if isinstance(x, ast.arg)
            }
            found += [(target.id, names) for target in node.targets if isinstance(target, ast.Name)]
    return found


def rebound(sources: list[str]) -> list[str]:
    """`figure's cell: name` for each name that a live figure needs and that a cell after it binds."""
    cells = [symtable.symtable(source, f"cell {i}", "exec") for i, source in enumerate(sources)]
    functions = {}
    for cell in cells:
        for child in cell.get_children():
            functions.setdefault(child.get_name(), set()).update(read_globals(child))
    for name, names in itertools.chain.from_iterable(map(named_lambdas, sources)):
        functions.setdefault(name, set()).update(names)
    found = []
    for i, (source, cell) in enumerate(zip(sources, cells, strict=True)):
        if "LiveFigure(" not in source:
            continue
        needed = set().union(*(read_globals(child) for child in cell.get_children()))
        waiting = list(needed)
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


def test_a_name_that_is_imported_anew_is_found():
    assert rebound(["def move(x):\n    K * x\n\nLiveFigure(fig, move)", "from x import K"]) == ["cell 0: K"]


def test_a_name_is_found_through_every_lambda_of_a_notebook():
    lambdas = "f = lambda: K\ng = lambda: 1"
    figure = "LiveFigure(fig, lambda x: f())"
    assert rebound([lambdas, figure, "K = 1"]) == ["cell 1: K"]
