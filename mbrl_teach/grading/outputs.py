"""A student's outputs as a teacher may look at them: text and pictures, nothing that runs in a browser."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

TEXT = ("text/plain", "text/latex")
PICTURES = ("image/png", "image/jpeg")
LONGEST = 20_000  # characters of one text
LARGEST = 2 * 2**20  # characters of one picture


def harmless_attachments(attachments: Any) -> dict[str, dict[str, str]]:
    """The pictures among what is attached to a text cell."""
    kept = {}
    for name, data in attachments.items() if isinstance(attachments, dict) else ():
        shown = _shown({k: data[k] for k in PICTURES if k in data}) if isinstance(data, dict) else {}
        if shown:
            kept[name] = shown
    return kept


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
