"""A real JupyterLab and a real Chromium on it, each for as long as a ``with`` block lasts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ElementHandle, Page, Playwright, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
RUN_PATIENCE = 240.0  # seconds for all cells of a notebook, on a machine that does much else
PATIENCE = 60.0  # seconds for a server, a page or a notebook to answer on a slow machine

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
CHROMIUM_FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Nothing that opens over the notebook or asks the network.
LAB_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


class ChromiumMissing(Exception):
    """No Chromium can be had here; the message says why."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless Chromium: the system's, else the one that ``playwright install chromium`` has fetched.

    Raises ChromiumMissing.
    """
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as home:
        browser = playwright.chromium.launch(
            executable_path=_find_chromium(playwright),
            args=CHROMIUM_FLAGS,
            env={**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home},
        )
        try:
            yield browser
        finally:
            browser.close()


def _find_chromium(playwright: Playwright) -> str:
    own = playwright.chromium.executable_path
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None and not Path(own).exists():
        raise ChromiumMissing(
            f"no Chromium: none of {', '.join(CHROMIUM_NAMES)} is on PATH, and "
            "`playwright install chromium` has not been run"
        )
    return found or own


@contextmanager
def jupyterlab(folder: Path, *, theme: str = "JupyterLab Light") -> Iterator[str]:
    """JupyterLab over the notebooks in `folder`, on 127.0.0.1: the address of one, ``{}`` for its name.

    Settings, kernels' files and logs go to a temporary home; kernels import this repository's
    mbrl_teach. The server is ended with the block, and its kernels with it.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *("--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}"),
            *("--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"),
        ]
        environment = _private_environment(Path(home), theme)
        with (Path(home) / "log").open("wb") as log:
            server = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            info = _wait_for_server(server, Path(home))
            # Without `reset` the lab would open what earlier pages had open, and perhaps in front.
            yield f"{info['url']}lab/tree/{{}}?token={info['token']}&reset"
        finally:
            _end(server)


def _private_environment(home: Path, theme: str) -> dict[str, str]:
    settings = LAB_SETTINGS | {"apputils-extension/themes": {"theme": theme}}
    for name, content in settings.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    return inherited | {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }


def _wait_for_server(server: subprocess.Popen, home: Path) -> dict:
    """What the server says of itself, once it listens."""
    told = home / "runtime" / f"jpserver-{server.pid}.json"
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        if told.exists() and (text := told.read_text()).endswith("}"):
            return json.loads(text)
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{(home / 'log').read_text()[-3000:]}")


def _end(server: subprocess.Popen) -> None:
    server.terminate()  # it shuts its kernels down first
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


class LabNotebook:
    """A notebook open in JupyterLab, driven as a reader drives it; its kernel ends with the ``with``."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 1000})
        self.page.set_default_timeout(1000 * PATIENCE)
        self.page.goto(address)
        self.page.wait_for_function(
            """name => {
                const widget = window.jupyterapp?.shell.currentWidget;
                const kernel = widget?.sessionContext?.session?.kernel;
                return widget?.context?.path === name && kernel?.status === 'idle';
            }""",
            arg=urlsplit(address).path.rpartition("/")[2],
        )

    def __enter__(self) -> LabNotebook:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        self.page.close()

    def run_all(self) -> list[dict]:
        """Run all cells; the cells as they stand in the notebook afterwards."""
        self.page.evaluate(
            """() => {
                window.cells_have_run = false;
                const run = jupyterapp.commands.execute('notebook:run-all-cells');
                run.finally(() => { window.cells_have_run = true; });
            }"""
        )
        self.page.wait_for_function("() => window.cells_have_run", timeout=1000 * RUN_PATIENCE)
        return self.page.evaluate("() => jupyterapp.shell.currentWidget.content.model.toJSON().cells")

    def show(self, index: int) -> ElementHandle:
        """Scroll to a cell (JupyterLab draws those that are far away only then); its element."""
        node = self.page.evaluate_handle(
            """async index => {
                const notebook = jupyterapp.shell.currentWidget.content;
                notebook.activeCellIndex = index;
                await notebook.scrollToItem(index, 'start');
                return notebook.widgets[index].node;
            }""",
            index,
        )
        return node.as_element()


class LiveCell:
    """A cell whose output is a LiveFigure, as it stands on the page."""

    def __init__(self, notebook: LabNotebook, index: int) -> None:
        self.page = notebook.page
        self.element = notebook.show(index)
        self.picture = self.element.wait_for_selector("img.widget-image")
        loaded = "picture => picture.complete && picture.naturalWidth > 0"
        self.page.wait_for_function(loaded, arg=self.picture)
        self.sliders = self.element.query_selector_all("[role=slider]")

    def press(self, key: str, *, slider: int = 0) -> None:
        """A key on the slider that comes first, second … in the cell."""
        self.sliders[slider].focus()
        self.page.keyboard.press(key)

    def steps(self, *, slider: int = 0) -> tuple[str, str]:
        """Two keys that move the slider to and fro from where it stands."""
        value, last = map(self.sliders[slider].get_attribute, ("aria-valuenow", "aria-valuemax"))
        return ("ArrowLeft", "ArrowRight") if value == last else ("ArrowRight", "ArrowLeft")

    def pixels(self) -> str:
        """The picture's own pixels as the browser has them, as a data address."""
        return self.picture.evaluate(
            """async picture => {
                while (!picture.complete)
                    await new Promise(requestAnimationFrame);
                const canvas = document.createElement('canvas');
                [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
                canvas.getContext('2d').drawImage(picture, 0, 0);
                return canvas.toDataURL();
            }"""
        )

    def wait_for_other_pixels(self, before: str, patience: float = 20.0) -> None:
        """Return once the picture differs; fail if it does not in so many seconds."""
        end = time.monotonic() + patience
        while self.pixels() == before:
            if time.monotonic() > end:
                raise AssertionError(
                    f"the picture has not changed in {patience:.0f} s; does `update` use a name, such as "
                    "`lines`, that a later cell has given to the artists of another figure?"
                )
            self.page.wait_for_timeout(20)
