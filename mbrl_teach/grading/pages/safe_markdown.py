"""A student's Markdown as HTML that does nothing in the reader's browser.

nbgrader's own templates put students' Markdown, and with it any HTML in it, into the page that a teacher has
open with all rights over the gradebook. This filter takes the place of nbconvert's `markdown2html`: it lets
through what text needs (tables, pictures, folded hints), and shows the rest as the characters it is made of.
"""

from __future__ import annotations

import re
from typing import Any

from bleach import Cleaner
from bleach.css_sanitizer import CSSSanitizer
from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.token import STANDARD_TYPES

TAGS = """
a abbr b blockquote br caption code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd li ol p pre s
span strong sub summary sup table tbody td th thead tr ul
""".split()  # noqa: SIM905 (forty names read better in two lines than in forty)
COLOURS = {*STANDARD_TYPES.values(), "highlight"} - {""}
SCHEMES = {"http", "https", "mailto", "data"}  # data of pictures: see `_may`
PICTURE = re.compile(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*")


def _may(tag: str, name: str, value: str) -> bool:
    """Whether an attribute stays.

    No id and no class but those that colour code: formgrader finds its buttons by them, and a click on a
    student's picture could be one on *Full credit*. No picture from elsewhere: it tells who looks, and when.
    """
    if name == "class":
        return tag in ("div", "span") and set(value.split()) <= COLOURS
    if name == "src":
        return tag == "img" and PICTURE.fullmatch(value) is not None
    if name == "href":
        return tag == "a" and value.startswith(("https://", "http://", "mailto:", "#"))
    own = {
        "a": ("title",),
        "abbr": ("title",),
        "details": ("open",),
        "img": ("alt", "title", "width", "height"),
        "ol": ("start",),
        "td": ("style", "colspan", "rowspan"),
        "th": ("style", "colspan", "rowspan"),
    }
    return name in own.get(tag, ())


class _Renderer(IPythonRenderer):
    """nbconvert's, but for pictures that are named and not there: they stop no page."""

    def _embed_image_or_attachment(self, src: str) -> str:
        name = src.removeprefix("attachment:")
        return (
            src if name != src and name not in self.attachments else super()._embed_image_or_attachment(src)
        )


def safe_html(html: str) -> str:
    """`html` with nothing in it that runs, loads, or stands for a part of the page around it."""
    return Cleaner(
        tags=TAGS,
        attributes=_may,
        protocols=SCHEMES,
        css_sanitizer=CSSSanitizer(allowed_css_properties=["text-align"]),
    ).clean(html)


@pass_context
def safe_markdown(context: Any, source: str) -> str:
    """Markdown as harmless HTML; the cell's own pictures are found through the template's `context`."""
    cell = context.get("cell") or {}
    renderer = _Renderer(escape=False, attachments=cell.get("attachments", {}), exclude_anchor_links=True)
    return safe_html(MarkdownWithMath(renderer=renderer).render(source))
