"""The course's worlds by name: ``import mbrl_teach.problems.environments``, then ``gymnasium.make(id)``.

Keyword arguments of `gymnasium.make` go to the function or class of the entry. No id limits the number of
steps; ``gymnasium.make(id, max_episode_steps=…)`` does. Importing this twice changes nothing.
"""

from __future__ import annotations

import gymnasium

# id: (entry point, its arguments)
ENVIRONMENTS = {
    "mbrl_teach/DynaMaze-v0": ("mbrl_teach.problems.mazes:dyna_maze", {}),
    "mbrl_teach/StochasticDynaMaze-v0": ("mbrl_teach.problems.mazes:dyna_maze", {"slip": 0.2}),
    "mbrl_teach/BlockingMaze-v0": ("mbrl_teach.problems.mazes:blocking_maze", {}),
    "mbrl_teach/ShortcutMaze-v0": ("mbrl_teach.problems.mazes:shortcut_maze", {}),
}

for name, (entry_point, arguments) in ENVIRONMENTS.items():
    if name not in gymnasium.registry:
        gymnasium.register(name, entry_point=entry_point, kwargs=arguments)
