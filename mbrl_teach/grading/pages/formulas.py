"""Formulas on nbgrader's pages, set by MathJax without the network: it is part of the page.

A page of feedback is one file that nbgrader hands to the student, so nothing can lie beside it. MathJax 3.2.2
(https://www.mathjax.org, Apache License 2.0) stands in the folder `mathjax` as its makers publish it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path

TEMPLATES = str(Path(__file__).parent / "templates")
MATHJAX = Path(__file__).parent / "mathjax"

# All of TeX but for what loads more of it or writes HTML.
SETTINGS = r"""
window.MathJax = {
  tex: {
    inlineMath: [["$", "$"], ["\\(", "\\)"]],
    displayMath: [["$$", "$$"], ["\\[", "\\]"]],
    processEscapes: true,
    tags: "ams",
    packages: {"[-]": ["require", "autoload", "html"]}
  },
  options: {enableMenu: false},
  startup: {
    ready: () => {
      MathJax.startup.defaultReady();
      MathJax.startup.promise.then(() => { document.documentElement.dataset.formulas = "set"; });
    }
  }
};
"""

# formgrader's own script waits for the formulas, and asks as one asked MathJax 2.
AS_BEFORE = """
MathJax.Hub = {Startup: {signal: {Interest: (tell) => MathJax.startup.promise.then(() => tell("End"))}}};
"""


@functools.cache
def script() -> str:
    """MathJax with its settings, and with the part that keeps formulas from acting."""
    mathjax = [(MATHJAX / name).read_text(encoding="utf-8") for name in ("tex-svg-full.js", "safe.js")]
    return "\n".join([SETTINGS, *mathjax, AS_BEFORE])


@functools.cache
def policy() -> str:
    """A Content-Security-Policy that lets a page run this script and load nothing."""
    digest = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()
    allowed = f"script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def formulas(page: str) -> str:
    """What sets the formulas of a `page`, "feedback" or "formgrade". Feedback may then run nothing else."""
    rule = f'<meta http-equiv="Content-Security-Policy" content="{policy()}">' if page == "feedback" else ""
    return f"{rule}<script>{script()}</script>"
