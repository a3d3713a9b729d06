"""The worlds under the names that `gymnasium.make` knows, registered by importing this module::

    import mbrl_teach.problems.environments
    env = gymnasium.make("mbrl_teach/Pendulum-v0")

Keywords of `gymnasium.make` go to the environment's class or function. With a world of another horizon,
`max_episode_steps` has to be given too.
"""

from __future__ import annotations

import gymnasium

# name, where its class or function is, limit of steps: the horizon of the default world, None without one
ENVIRONMENTS = (
    ("Pendulum-v0", "pendulum:PendulumEnv", 200),
    ("CartPole-v0", "cart_pole:CartPoleEnv", 150),
    ("CartPoleSwingUp-v0", "cart_pole_swing_up:CartPoleSwingUpEnv", 50),
    ("CarParking-v0", "car:CarEnv", 500),
    ("Unicycle-v0", "unicycle:UnicycleEnv", 100),
    ("Particle-v0", "particle:ParticleEnv", 20),
    ("DynaMaze-v0", "mazes:dyna_maze", None),
    ("StochasticDynaMaze-v0", "mazes:stochastic_dyna_maze", None),
    ("BlockingMaze-v0", "mazes:blocking_maze", None),
    ("ShortcutMaze-v0", "mazes:shortcut_maze", None),
    ("RiverSwim-v0", "river_swim:RiverSwimEnv", 20),
    ("Pit-v0", "pit:PitEnv", 40),
)

for _name, _where, _steps in ENVIRONMENTS:
    if f"mbrl_teach/{_name}" not in gymnasium.registry:  # this module may be imported anew
        gymnasium.register(
            f"mbrl_teach/{_name}", entry_point=f"mbrl_teach.problems.{_where}", max_episode_steps=_steps
        )
