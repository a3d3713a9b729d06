"""A student's outputs as a teacher may look at them: text and pictures, nothing that runs in a browser."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

TEXT = ("text/plain", "text/latex")
PICTURES = ("image/png", "image/jpeg")
LONGEST = 20_000  # characters of one text
LARGEST = 2 * 2**20  # characters of one picture
TAG = re.compile(r"<(?=[A-Za-z/!?])")
ENTITY = re.compile(r"&(?=[A-Za-z#])")
GAP = r"[\s\\]*"  # a browser skips white space in an address, Markdown a backslash
SCHEME = re.compile(f"({'|'.join(GAP.join(name) for name in ('javascript', 'vbscript'))}){GAP}:", re.I)
ATTACHMENT = re.compile(f"attachment{GAP}:([\\w.-]*(?=[)\\s]))?", re.ASCII)
PLAIN_NAME = re.compile(r"[\w.-]+", re.ASCII)
TEX = re.compile(r"\\(?=(href|style|class|cssId|require|unicode)\b)")


def harmless_markdown(text: str, pictures: Collection[str] = ()) -> str:
    """`text` with a space in every tag, entity and address that would run in a teacher's browser.

    `pictures` are the names of those that are attached: a page that shows another one cannot be made.
    """

    def known(found: re.Match) -> str:
        return found[0] if found[1] in pictures else f"attachment :{found[1] or ''}"

    return ATTACHMENT.sub(known, harmless_tex(ENTITY.sub("& ", TAG.sub("< ", text[:LONGEST]))))


def harmless_attachments(attachments: Any) -> dict[str, dict[str, str]]:
    """The pictures among what is attached to a text cell."""
    kept = {}
    for name, data in attachments.items() if isinstance(attachments, dict) else ():
        shown = _shown({k: data[k] for k in PICTURES if k in data}) if isinstance(data, dict) else {}
        if shown and isinstance(name, str) and PLAIN_NAME.fullmatch(name):
            kept[name] = shown
    return kept


def harmless_tex(text: str) -> str:
    """`text` without the commands by which MathJax makes links and styles."""
    return TEX.sub(r"\\ ", SCHEME.sub(r"\1 :", text))


def harmless(outputs: list[Any]) -> list[NotebookNode]:
    """What can be read of `outputs`, which a student's process has told, as nbformat's outputs."""
    made = (_harmless(output) for output in outputs[:200] if isinstance(output, dict))
    return [output for output in made if output is not None]


def stream_output(name: str, text: str) -> NotebookNode:
    """Text that was printed."""
    return new_output("stream", name=name, text=text)


def error_output(name: str, text: str, lines: list[str] | None = None) -> NotebookNode:
    """An error."""
    return new_output("error", ename=name, evalue=text, traceback=lines or [f"{name}: {text}"])


def _harmless(output: dict[str, Any]) -> NotebookNode | None:
    match output.get("output_type"):
        case "stream":
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            return stream_output(name, _text(output.get("text")))
        case "error":
            lines = output.get("traceback")
            lines = [_text(line) for line in lines[:60]] if isinstance(lines, list) else None
            return error_output(_text(output.get("ename")), _text(output.get("evalue")), lines)
        case "display_data" | "execute_result" as kind:
            data = output.get("data")
            shown = _shown(data) if isinstance(data, dict) else {}
            return new_output(kind, data=shown) if shown else None
    return None


def _shown(data: dict[str, Any]) -> dict[str, str]:
    shown = {kind: _text(data[kind]) for kind in TEXT if kind in data}
    if "text/latex" in shown:
        shown["text/latex"] = harmless_tex(shown["text/latex"])
    for kind in PICTURES:
        picture = data.get(kind)
        if isinstance(picture, bytes):
            shown[kind] = base64.b64encode(picture[:LARGEST]).decode()
        elif isinstance(picture, str) and len(picture) <= LARGEST and _is_base64(picture):
            shown[kind] = picture
    return shown


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError):
        return False
    return text.isascii() and not set(text) & set("<>&\"'")


def _text(value: Any) -> str:
    return str(value)[:LONGEST] if isinstance(value, (str, int, float)) else ""
