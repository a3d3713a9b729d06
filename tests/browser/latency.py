"""How long a reader waits between the key that moves a slider and the picture that answers it."""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nbformat

from tests.browser.lab import LabNotebook, LiveCell, chromium, jupyterlab

# A typical figure of the course: a closed loop over time beside its phase portrait, two sliders.
LIVE_FIGURE = """\
import ipywidgets as widgets
import numpy as np

from mbrl_teach.figures.live import LiveFigure
from mbrl_teach.figures.style import subplots
from mbrl_teach.figures.trajectories import move_trajectory, plot_trajectory

F = np.array([[1.0, 0.1], [0.0, 1.0]]), np.array([0.0, 0.1])


def roll_out(stiffness, damping):
    states, actions = [np.array([1.0, 0.0])], []
    for _ in range(60):
        actions.append([-stiffness * states[-1][0] - damping * states[-1][1]])
        states.append(F[0] @ states[-1] + F[1] * actions[-1])
    return np.array(states), np.array(actions)


figure, (over_time, plane) = subplots(1, 2)
states, actions = roll_out(1.0, 1.0)
labels = ["position [m]", "velocity [m/s]", "force [N]"]
lines = plot_trajectory(over_time, states, actions, dt=0.1, labels=labels)
over_time.legend(loc="upper right")
over_time.set(ylim=(-2, 2), title="Over time")
phase = plane.plot(*states.T)
plane.set(xlabel="position [m]", ylabel="velocity [m/s]", xlim=(-1.2, 1.2), ylim=(-2, 2))
title = plane.set_title("Phase plane")


def update(stiffness, damping):
    if damping < 0:
        raise ValueError("a negative damping makes the <particle> run away")
    states, actions = roll_out(stiffness, damping)
    move_trajectory(lines, states, actions)
    phase[0].set_data(*states.T)
    title.set_text(f"Ends {abs(states[-1, 0]):.3f} m from the goal")


sliders = {
    "stiffness": widgets.FloatSlider(min=0, max=4, step=0.1, value=1, description="stiffness [N/m]"),
    "damping": widgets.FloatSlider(min=-1, max=4, step=0.1, value=1, description="damping [N s/m]"),
}
alt = "Position, velocity and force of a particle that is pulled home."
LiveFigure(figure, update, [lines, phase, title], sliders, alt)
"""

# From the browser's own time stamp of the key to the frame after the new picture has loaded.
_CLOCK = """cell => {
    const picture = cell.querySelector('img.widget-image');
    const moves = window.moves = [];
    let pressed = null;
    cell.addEventListener('keydown', event => { pressed = event.timeStamp; }, {capture: true});
    new MutationObserver(() => picture.addEventListener('load', () => requestAnimationFrame(() => {
        if (pressed !== null) { moves.push(performance.now() - pressed); pressed = null; }
    }), {once: true})).observe(picture, {attributes: true, attributeFilter: ['src']});
}"""


@dataclass(frozen=True)
class Latency:
    """From key to picture, ms, one figure a move."""

    milliseconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    def __str__(self) -> str:
        fastest, slowest = min(self.milliseconds), max(self.milliseconds)
        return (
            f"slider to picture: median {self.median:.0f} ms "
            f"({fastest:.0f} to {slowest:.0f} ms over {len(self.milliseconds)} moves)"
        )


def measure_slider_latency(moves: int = 30) -> Latency:
    """Start JupyterLab and headless Chromium, and move a slider of `LIVE_FIGURE` by its keys.

    Takes about fifteen seconds. Raises lab.ChromiumMissing where there is no browser.
    """
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        write_notebook(Path(folder) / "live.ipynb", LIVE_FIGURE)
        with (
            jupyterlab(Path(folder)) as address,
            LabNotebook(browser, address.format("live.ipynb")) as notebook,
        ):
            notebook.run_all()
            return time_moves(LiveCell(notebook, 0), moves)


def time_moves(cell: LiveCell, moves: int) -> Latency:
    """Move the cell's first slider to and fro, each time waiting for its picture."""
    cell.element.evaluate(_CLOCK)
    keys = cell.steps()
    for move in range(moves):
        cell.press(keys[move % 2])
        cell.page.wait_for_function("count => window.moves.length >= count", arg=move + 1)
        cell.page.wait_for_timeout(50)  # the kernel has answered and rests, as between a hand's moves
    return Latency(tuple(cell.page.evaluate("window.moves")))


def write_notebook(path: Path, *sources: str) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
