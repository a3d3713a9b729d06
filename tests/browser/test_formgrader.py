"""A teacher looks at a hostile hand-in, and a student at feedback, in a real browser without a network."""

import os
import shutil
import sys
from urllib.parse import urlsplit

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader.api import Gradebook
from nbgrader.utils import is_solution

from mbrl_teach.grading.course import Course
from mbrl_teach.grading.grade import grade_class
from tests.browser.lab import PATIENCE, ROOT, jupyterlab

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="grading runs on Linux")

ACT = "window.ran = true"
LINK = "javascript:window.ran=true"
WRITTEN = f"""Because $x^2 < y_1$ and \\[ E = m c^2 \\]

<script>{ACT}</script> <img src=x onerror="{ACT}"> <svg onload="{ACT}"></svg>
<iframe srcdoc="<script>parent.{ACT}</script>"></iframe>
[here]({LINK}) $\\href{{{LINK}}}{{there}}$ $\\mmlToken{{mi}}[href="{LINK}"]{{where}}$
![gone](attachment:gone.png)
<span class="full-credit" id="written">a picture to click on</span>
"""
SHOWN = f"""
import matplotlib.pyplot as plt
from IPython.display import HTML, Javascript, Markdown, SVG, display
plt.plot([1, 2])
plt.show()
display(HTML('''<script>{ACT}</script><img src=x onerror="{ACT}">'''), Javascript('''{ACT}'''))
display(Markdown('''<script>{ACT}</script>'''), SVG('''<svg xmlns="http://www.w3.org/2000/svg" onload="{ACT}"/>'''))
print('''<script>{ACT}</script>''')
raise ValueError('''<script>{ACT}</script>''')
"""
MORE = {  # what other graders than ours would have kept
    "text/html": f"<script>{ACT}</script><img src=x onerror='{ACT}'>",
    "application/javascript": ACT,
    "text/markdown": f"<script>{ACT}</script>",
    "text/latex": f"</div><script>{ACT}</script>",
    "image/svg+xml": f'<svg xmlns="http://www.w3.org/2000/svg"><script>{ACT}</script></svg>',
    "application/vnd.jupyter.widget-view+json": {"model_id": f"</script><script>{ACT}</script>"},
    "text/plain": f"<script>{ACT}</script>",
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory, nbgrader):
    """A course with one hand-in, graded, whose student wants to act in the browsers of those who read it."""
    course = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    source = sorted((ROOT / "solutions").glob("*/*.ipynb"))[1]
    name = source.parent.name
    shutil.copytree(source.parent, course / "solutions" / name)
    nbgrader("generate_assignment", name, cwd=course)
    path = course / "submitted" / "hostile" / name / source.name
    path.parent.mkdir(parents=True)
    answers = {c.metadata.nbgrader.grade_id: c.source for c in read(source).cells if is_solution(c)}
    notebook = read(course / "exercises" / name / source.name)
    for cell in filter(is_solution, notebook.cells):
        cell.source = answers[cell.metadata.nbgrader.grade_id] if cell.cell_type == "code" else WRITTEN
    notebook.cells += [new_markdown_cell(WRITTEN), new_code_cell(SHOWN)]
    nbformat.write(notebook, path)
    (outcome,) = grade_class(Course(str(course), name), jobs=1, progress=False)
    assert outcome.failed is None
    add_outputs(course / "autograded" / "hostile" / name / source.name)
    nbgrader("generate_feedback", name, cwd=course)
    return course, name, source.stem


def read(path):
    return nbformat.read(path, as_version=4)


def add_outputs(path):
    os.chmod(path, 0o644)
    notebook = read(path)
    shown = [new_output("display_data", data={kind: data}) for kind, data in MORE.items()]
    notebook.cells.append(new_code_cell("'shown'", outputs=shown))
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    nbformat.write(notebook, path)


@pytest.fixture
def page(browser):
    """A page without a network but for this machine; `page.asked` is what it wanted from elsewhere."""
    page = browser.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.asked, page.errors = [], []
    page.on("pageerror", lambda error: page.errors.append(error))

    def answer(route):
        if urlsplit(route.request.url).hostname in (None, "", "127.0.0.1"):
            return route.continue_()
        page.asked.append(route.request.url)
        return route.abort()

    page.route("**/*", answer)
    yield page
    page.close()


def open_feedback(page, graded):
    course, name, notebook = graded
    page.goto((course / "feedback" / "hostile" / name / f"{notebook}.html").as_uri())
    page.wait_for_selector("html[data-formulas=set]")


@pytest.fixture(scope="module")
def formgrader(graded, browser):
    """The address at which the teacher logs in, and that of the hand-in's page in formgrader."""
    course, name, notebook = graded
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        number = book.find_submission_notebook(notebook, name, "hostile").id
    with jupyterlab(course) as address:
        server, token = address.split("lab/tree/{}?")
        yield f"{server}login?{token}", f"{server}formgrader/submissions/{number}/"


def open_formgrader(page, addresses):
    login, address = addresses
    page.request.get(login, max_redirects=0)
    page.goto(address)
    page.wait_for_selector("html[data-formulas=set]")
    page.wait_for_function("() => MathJax.loaded")
    page.wait_for_selector(".extra-credit[placeholder]")  # it has asked for the grades


def nothing_ran(page):
    """Also of what a reader clicks on."""
    page.wait_for_timeout(300)  # for what waits for a picture that is not there
    for link in page.query_selector_all("a:has-text('here'), mjx-container a"):
        link.evaluate(
            "link => link.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))"
        )
    return page.evaluate("() => window.ran === undefined")


def test_feedback_runs_nothing_of_the_students_and_asks_nobody(page, graded):
    open_feedback(page, graded)
    assert nothing_ran(page)
    assert page.asked == []


def test_feedback_shows_formulas_figures_hints_and_reports(page, graded):
    open_feedback(page, graded)
    assert page.locator("mjx-container svg").count() > 50
    assert page.locator("[data-mml-node=merror]").count() == 0
    assert page.locator(".output_png img").evaluate("picture => picture.naturalWidth") > 100
    assert page.locator("details > summary").count() >= 3
    text = page.locator("body").inner_text()
    assert "✓ (" in text
    assert f"<script>{ACT}</script>" in text, "what does not act is shown"


def test_feedback_stays_harmless_where_the_text_is_let_through(page, graded):
    """Were the filter to fail, the page's own rule still lets no script run."""
    course, name, notebook = graded
    path = course / "feedback" / "hostile" / name / f"{notebook}.html"
    leaky = path.with_name("leaky.html")
    leaky.write_text(path.read_text("utf-8").replace("</body>", f"<script>{ACT}</script></body>"), "utf-8")
    page.goto(leaky.as_uri())
    page.wait_for_selector("html[data-formulas=set]")
    assert nothing_ran(page)


def test_formgrader_runs_nothing_of_the_students_and_asks_nobody(page, formgrader):
    open_formgrader(page, formgrader)
    assert nothing_ran(page)
    assert page.asked == []


def test_formgrader_works_without_a_network(page, formgrader):
    open_formgrader(page, formgrader)
    assert page.errors == []
    assert page.locator("mjx-container svg").count() > 50
    assert page.locator(".output_png img").evaluate("picture => picture.naturalWidth") > 100


def test_a_click_on_a_students_picture_gives_no_credit(page, formgrader):
    """And the teacher's own button does."""
    open_formgrader(page, formgrader)
    score = page.locator(".nbgrader_cell:has-text('Because') input.score").first
    before = score.input_value()
    page.get_by_text("a picture to click on").first.click()
    page.wait_for_timeout(300)
    assert score.input_value() == before
    page.locator(".nbgrader_cell:has-text('Because') .full-credit").first.click()
    page.wait_for_function("score => score.value !== ''", arg=score.element_handle())
    assert float(score.input_value()) > 0
