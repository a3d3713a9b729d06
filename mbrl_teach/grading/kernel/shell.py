"""IPython without a kernel: runs a notebook's cells, and collects their outputs as nbformat has them."""

from __future__ import annotations

import io
import sys
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

LONGEST_TEXT = 20_000  # characters of one cell's stream: more is cut
MOST_OUTPUTS = 200  # of one cell


class Outputs(list):
    """The outputs of one cell; neighbouring text of one stream is one output."""

    def write(self, stream: str, text: str) -> None:
        """Add text to a stream, as far as there is room."""
        if not (self and self[-1].get("name") == stream):
            self.add({"output_type": "stream", "name": stream, "text": ""})
        last = self[-1]
        if last.get("name") == stream and len(last["text"]) < LONGEST_TEXT:
            last["text"] += text[:LONGEST_TEXT]

    def add(self, output: dict[str, Any]) -> None:
        """Add one output, as far as there is room."""
        if len(self) < MOST_OUTPUTS:
            self.append(output)


class Stream(io.TextIOBase):
    """stdout or stderr, collected."""

    def __init__(self, name: str, outputs: Outputs):
        self.name, self.outputs = name, outputs

    def write(self, text: str) -> int:
        """Collect the text."""
        self.outputs.write(self.name, str(text))
        return len(text)

    def writable(self) -> bool:
        """Yes."""
        return True


class CollectingHook(DisplayHook):
    """Collects the value of a cell's last line."""

    def start_displayhook(self) -> None:
        """Nothing is written."""

    def write_output_prompt(self) -> None:
        """Nothing is written."""

    def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
        """Collect the value in all its forms."""
        count = self.shell.execution_count
        about = {"output_type": "execute_result", "execution_count": count, "metadata": md_dict or {}}
        self.shell.outputs.add(about | {"data": format_dict})

    def finish_displayhook(self) -> None:
        """Nothing is written."""


class CollectingPublisher(DisplayPublisher):
    """Collects what `display` shows, figures among it."""

    def publish(self, data, metadata=None, *args, **kwargs) -> None:
        """Collect one display."""
        self.shell.outputs.add({"output_type": "display_data", "data": data, "metadata": metadata or {}})

    def clear_output(self, wait: bool = False) -> None:
        """Forget what the cell has shown so far."""
        self.shell.outputs.clear()


class Shell(InteractiveShell):
    """The shell in which a student's cells run: the lab's magics and displays, no terminal."""

    outputs: Outputs
    displayhook_class = CollectingHook
    display_pub_class = CollectingPublisher

    def run(self, source: str) -> list[dict[str, Any]]:
        """Run one cell and return its outputs, an error among them if it stopped with one."""
        self.outputs = Outputs()
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = Stream("stdout", self.outputs), Stream("stderr", self.outputs)
        try:
            self.run_cell(source, store_history=True)
        finally:
            sys.stdout, sys.stderr = before
        return list(self.outputs)

    def _showtraceback(self, etype, evalue, stb) -> None:
        name = getattr(etype, "__name__", str(etype))
        self.outputs.add(
            {"output_type": "error", "ename": name, "evalue": str(evalue), "traceback": list(stb)}
        )


def make_shell() -> Shell:
    """The one shell of this process, with figures drawn into the notebook."""
    config = Config()
    config.HistoryManager.enabled = False
    config.Shell.colors = "NoColor"
    shell = Shell.instance(config=config)
    shell.outputs = Outputs()
    shell.run_cell("%matplotlib inline")
    return shell
