"""An assignment is one notebook: tasks of four cells in solutions/, the same with blanks in exercises/."""

import ast
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.utils import is_grade, is_locked, is_solution

from mbrl_teach.grading.check_cells import is_check

COURSE = Path(__file__).parents[2]
REGION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", flags=re.DOTALL)
LONGEST_TASK = 25  # lines


def read(path):
    return nbformat.read(path, as_version=4).cells


def is_written(cell):
    return is_grade(cell) and is_solution(cell)


def tasks(solution):
    """The four cells of each task, found by its check: (task, solution, check, play).

    Between check and play, text may say what one should see.
    """
    cells = read(solution)
    checks = [index for index, cell in enumerate(cells) if is_check(cell)]
    after = [next(cell for cell in cells[index + 1 :] if cell.cell_type == "code") for index in checks]
    return [(*cells[index - 2 : index + 1], play) for index, play in zip(checks, after, strict=True)]


def solved_lines(solution):
    """Each line that only the solution may hold, unless it is too short to give anything away."""
    texts = [region for cell in read(solution) for region in REGION.findall(cell.source)]
    texts += [cell.source for cell in read(solution) if is_written(cell)]
    lines = {line.strip() for text in texts for line in text.splitlines()}
    return {line for line in lines if len(re.sub(r"\W", "", line)) >= 10 and not line.endswith(":")}


def test_a_folder_of_an_assignment_holds_one_notebook_and_nothing_else():
    """Whatever lies beside it would be released to the students."""
    folders = [folder for kind in ("solutions", "exercises") for folder in sorted((COURSE / kind).glob("*"))]
    for folder in folders:
        name = re.fullmatch(r"\d\d[a-z]?_(\w+)", folder.name)
        assert name, f"{folder}: the name of an assignment is NN_name"
        released = {each.name for each in folder.iterdir()} - {".ipynb_checkpoints"}
        assert released == {f"{name[1]}.ipynb"}


@pytest.mark.skipif(sys.platform == "win32", reason="nbgrader writes other line ends on Windows")
def test_the_exercises_are_what_nbgrader_generates(generated_course):
    generated = {path.relative_to(generated_course): path for path in generated_course.glob("exercises/*/*")}
    committed = {path.relative_to(COURSE): path for path in COURSE.glob("exercises/*/*")}
    assert generated.keys() == committed.keys()
    for name, path in committed.items():
        assert path.read_bytes() == generated[name].read_bytes(), f"{name} is stale: say `make release`"


def test_a_task_is_four_cells(solution):
    assert tasks(solution)
    for task, write, check, play in tasks(solution):
        assert (task.cell_type, is_locked(task)) == ("markdown", True)
        assert (write.cell_type, is_solution(write), is_grade(write)) == ("code", True, False)
        assert (check.cell_type, is_locked(check)) == ("code", True)
        assert (play.cell_type, is_locked(play), is_grade(play)) == ("code", True, False)
        assert "play" in play.metadata.tags


def test_a_task_says_its_points_and_minutes_and_has_three_hints(solution):
    for task, _, check, _ in tasks(solution):
        points = check.metadata.nbgrader.points
        worth = rf"{points:g} points?" if points else r"optional, [1-9]\d* extra points?"
        assert re.search(rf"\b{worth}\b", task.source), task.source
        assert re.search(r"\b\d+ min", task.source), task.source
        hints = re.findall(r"<details>\s*<summary>Hint (\d).*?</details>", task.source, flags=re.DOTALL)
        assert hints == ["1", "2", "3"], task.source


def test_a_task_asks_for_no_more_than_can_be_read_at_once(solution):
    for _, write, _, _ in tasks(solution):
        regions = REGION.findall(write.source)
        assert len(regions) == 1, write.source
        assert len(regions[0].splitlines()) <= LONGEST_TASK, write.source


def test_a_check_is_one_visible_line(solution):
    for _, _, check, _ in tasks(solution):
        (line,) = ast.parse(check.source).body
        assert ast.unparse(line.value.func).startswith("checks."), check.source


def test_a_stub_ends_in_what_is_to_be_computed(solution):
    for _, write, _, _ in tasks(solution):
        stub = ast.parse(REGION.sub("", write.source)).body[-1].body[-1]
        assert isinstance(stub, ast.Raise), write.source
        assert ast.unparse(stub.exc.func) == "NotImplementedError"
        assert len(stub.exc.args[0].value) > 8, write.source


def test_one_question_is_answered_in_words_and_comes_with_its_rubric(solution):
    (answer,) = filter(is_written, read(solution))
    assert answer.cell_type == "markdown"
    assert "rubric" in answer.source.lower()


def test_every_cell_of_an_exercise_parses(exercise):
    for cell in read(exercise):
        if cell.cell_type == "code":
            ast.parse(cell.source)


def test_no_line_of_a_solution_stands_in_its_exercise(solution):
    exercise = COURSE / "exercises" / solution.relative_to(COURSE / "solutions")
    told = "\n".join(cell.source for cell in read(exercise))
    assert solved_lines(solution)
    assert [line for line in solved_lines(solution) if line in told] == []
