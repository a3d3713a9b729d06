"""What students write is text on a teacher's page, and formulas need no network."""

import re

import pytest
from bs4 import BeautifulSoup

from mbrl_teach.grading.pages.formulas import MATHJAX, formulas, policy, script
from mbrl_teach.grading.pages.safe_markdown import safe_markdown


def page(source, **cell):
    return BeautifulSoup(safe_markdown({"cell": cell}, source), "html.parser")


ACTS = [
    "<script>act()</script>",
    "<ScRiPt src=//elsewhere/x.js></sCrIpT>",
    "<img src=x onerror=act()>",
    "<details open ontoggle=act()><summary>look</summary></details>",
    "<svg onload=act()></svg>",
    "<svg><script>act()</script></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=1 onerror=act()>'>",
    "<noscript><p title='</noscript><img src=x onerror=act()>'>",
    "<iframe srcdoc='<script>act()</script>'></iframe>",
    "<iframe src=javascript:act()></iframe>",
    "<object data=javascript:act()></object><embed src=javascript:act()>",
    "<form action=javascript:act()><button>send</button></form>",
    "<input autofocus onfocus=act()>",
    "<a href=javascript:act()>read</a>",
    "<a href='java\nscript:act()'>read</a>",
    "<a href=' &#106;avascript:act()'>read</a>",
    "[read](javascript:act())",
    "[read](data:text/html;base64,PHNjcmlwdD5hY3QoKTwvc2NyaXB0Pg==)",
    "<javascript:act()>",
    "![read](javascript:act())",
    "<base href=//elsewhere/>",
    "<meta http-equiv=refresh content='0;url=javascript:act()'>",
    "<link rel=stylesheet href=//elsewhere/x.css>",
    "<style>@import '//elsewhere/x.css'</style>",
    "<p style='background:url(//elsewhere/x.png)'>text</p>",
    "```html\n<script>act()</script>\n```",
    "```mermaid\n</pre><script>act()</script>\n```",
    "`<script>act()</script>`",
    "$</p><script>act()</script>$",
    "$$\\begin{aligned}<img src=x onerror=act()>\\end{aligned}$$",
    "| a |\n|---|\n| <script>act()</script> |",
    "<!--><script>act()</script>-->",
]


@pytest.mark.parametrize("source", ACTS)
def test_nothing_that_a_student_writes_acts_or_loads(source):
    for element in page(source).find_all(True):
        assert element.name not in {"script", "style", "svg", "math", "iframe", "object", "embed", "form"}
        assert element.name not in {"input", "button", "base", "meta", "link", "noscript"}
        for name, value in element.attrs.items():
            assert not name.startswith("on")
            if name in ("href", "src"):
                assert value.startswith(("https://", "data:image/png;base64,"))
            assert name != "style" or re.fullmatch(r"(text-align: ?\w+;)?", value)


@pytest.mark.parametrize(
    "name", ["full-credit", "btn no-credit", "score", "nbgrader_cell", "navbar-fixed-top"]
)
def test_a_student_cannot_stand_in_for_a_button_of_formgrader(name):
    element = page(f'<div class="{name}" id="check_gain" style="position: fixed">picture</div>').div
    assert not element.get("class")
    assert not element.get("id")
    assert not element.get("style")


def test_what_is_not_let_through_can_be_read():
    assert "<script>act()</script>" in page("Look: <script>act()</script>").get_text()


def test_text_tables_hints_and_coloured_code_stay():
    made = page(
        "# Head\n\n*a* **b** `c` [d](https://example.org)\n\n| x | y |\n|:--|--:|\n| 1 | 2 |\n\n"
        "<details>\n<summary>Hint</summary>\n\nlook\n</details>\n\n```python\nx = 1 < 2\n```\n"
    )
    for name in ("h1", "em", "strong", "code", "a", "th", "td", "details", "summary", "pre"):
        assert made.find(name), name
    assert made.a["href"] == "https://example.org"
    assert made.th["style"].startswith("text-align:left")
    assert made.find("span", class_="mi").get_text() == "1"


def test_formulas_reach_mathjax_as_they_were_written():
    text = page("Small $a<b$ and\n\n$$\\begin{aligned} a &= b \\\\ c &< d \\end{aligned}$$").get_text()
    assert "$a<b$" in text
    assert "$$\\begin{aligned} a &= b \\\\ c &< d \\end{aligned}$$" in text


def test_a_picture_of_the_cell_stays_and_one_from_elsewhere_does_not():
    attached = {"plot.png": {"image/png": "iVBORw0KGgo="}}
    made = page("![mine](attachment:plot.png) ![theirs](https://example.org/x.png)", attachments=attached)
    mine, theirs = made.find_all("img")
    assert mine["src"] == "data:image/png;base64,iVBORw0KGgo="
    assert "src" not in theirs.attrs


def test_a_picture_that_is_not_there_stops_no_page():
    assert page("![gone](attachment:plot.png) and more").get_text().strip() == "and more"


def test_a_page_of_feedback_may_run_one_script_and_load_nothing():
    made = BeautifulSoup(formulas("feedback"), "html.parser")
    assert made.meta["content"] == policy()
    assert made.script.string == script(), "as the browser hashes it"
    assert "src" not in made.script.attrs
    assert policy().startswith("default-src 'none'")
    assert "unsafe-inline" not in policy().split("script-src")[1].split(";")[0]


def test_formgraders_page_may_run_its_own_scripts():
    assert "Content-Security-Policy" not in formulas("formgrade").split("<script>")[0]


@pytest.mark.parametrize("name", ["tex-svg-full.js", "safe.js"])
def test_mathjax_can_stand_inside_a_page(name):
    text = (MATHJAX / name).read_text(encoding="utf-8")
    assert "</script" not in text.lower()
    assert "<script" not in text.lower(), "after a <!-- it would hide the end"
