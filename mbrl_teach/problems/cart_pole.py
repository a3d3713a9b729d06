"""A cart with a pole hanging from it; a force on the cart is to swing the pole up.

State s = [position x (m), angle θ (rad, 0 hanging, π upright), their velocities v and ω], action
a = [force u (N) on the cart]. With the cart's mass m₁ and the pole's mass m₂ as a point at distance l,

    x'' = (l m₂ sin θ ω² + u + m₂ g cos θ sin θ) / D                        D = m₁ + m₂ sin² θ
    θ'' = -(l m₂ cos θ sin θ ω² + u cos θ + (m₁ + m₂) g sin θ) / (l D)

The task is to stand still at distance d after 2 s with the least ∫ u² dt. Kelly demands the final state
exactly, and so does collocation. For methods that optimise actions alone the end is a goal with a price, so
that there are no constraints but the limit of the force:

    cost dt u²     and at the end     1/2 sum_i w_i (s_i - goal_i)²,     goal = [d, π, 0, 0].

The angle is never wrapped: the goal is π, not -π.

Source: Kelly, An Introduction to Trajectory Optimization (SIAM Review 59, 2017), section 6: equations of
motion, objective and boundary conditions; the parameters are those of its appendix E.1.
"""

from __future__ import annotations

import numpy as np

from mbrl_teach.arguments import read_array, require_positive, require_steps
from mbrl_teach.problems.base import ContinuousProblem
from mbrl_teach.problems.environment import ControlEnv
from mbrl_teach.problems.integrators import EXPLICIT_EULER, RK4

INTEGRATORS = {"euler": EXPLICIT_EULER, "rk4": RK4}


class CartPole(ContinuousProblem):
    """Swing the pole up while the cart moves by `distance`.

    Parameters
        horizon: number of steps T; dt: seconds per step
        integrator: "euler" (explicit) or "rk4"
        cart_mass m₁, pole_mass m₂ in kg; length l, distance d in m; gravity in m/s²
        action_limit: the largest force in N; the dynamics do not clip, controllers obey it
        force_weight: of u² dt in the running cost
        final_weights: w of position, angle and the two velocities in the final cost
        initial_state (4,): by default the pole hangs at rest at x = 0
    """

    state_size = 4
    action_size = 1

    def __init__(
        self,
        *,
        horizon: int = 150,
        dt: float = 2.0 / 150,
        integrator: str = "euler",
        cart_mass: float = 1.0,
        pole_mass: float = 0.3,
        length: float = 0.5,
        gravity: float = 9.81,
        distance: float = 1.0,
        action_limit: float = 20.0,
        force_weight: float = 1.0,
        final_weights: tuple[float, float, float, float] = (1e4, 1e4, 1e3, 1e3),
        initial_state: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
    ):
        require_positive(dt=dt, cart_mass=cart_mass, pole_mass=pole_mass)
        require_positive(length=length, action_limit=action_limit)
        if integrator not in INTEGRATORS:
            raise ValueError(f"integrator must be one of {sorted(INTEGRATORS)}; got {integrator!r}")
        self.horizon, self.dt, self.integrator = require_steps(horizon), dt, INTEGRATORS[integrator]
        self.duration = self.horizon * dt
        self.cart_mass, self.pole_mass, self.length, self.gravity = cart_mass, pole_mass, length, gravity
        self.goal = np.array([distance, np.pi, 0.0, 0.0])
        self.final_state = self.goal.copy()  # demanded by collocation, priced elsewhere
        self.action_low, self.action_high = np.array([-action_limit]), np.array([action_limit])
        self.force_weight = force_weight
        self.final_weights = read_array("final_weights", final_weights, "4", {}).copy()
        self.initial_state = read_array("initial_state", initial_state, "4", {}).copy()

    def energy(self, s):
        """Kinetic and potential energy (...) in J, 0 at rest with the pole level."""
        m2, length = self.pole_mass, self.length
        x_velocity, omega, cos = s[..., 2], s[..., 3], np.cos(s[..., 1])
        cart_and_pole = 0.5 * (self.cart_mass + m2) * x_velocity**2
        swing = 0.5 * length * omega**2 + x_velocity * omega * cos - self.gravity * cos
        return cart_and_pole + m2 * length * swing

    def derivative(self, s, a):
        """s' = [v, ω, x'', θ''] (..., 4): the equations of motion."""
        m2, length, g = self.pole_mass, self.length, self.gravity
        theta, omega = s[..., 1], s[..., 3]
        sin, cos = np.sin(theta), np.cos(theta)
        m2_sin = m2 * sin
        x_acceleration = (m2_sin * (length * omega * omega + g * cos) + a[..., 0]) / (
            self.cart_mass + m2_sin * sin
        )
        result = np.empty((*x_acceleration.shape, 4))
        result[..., :2] = s[..., 2:]
        result[..., 2] = x_acceleration
        # The same as θ'' above: the bob swings in the accelerated frame of the cart.
        result[..., 3] = (cos * x_acceleration + g * sin) * (-1.0 / length)
        return result

    def derivative_jacobian(self, s, a):
        """(..., 4, 5) by z = [x, θ, v, ω, u]."""
        length, g = self.length, self.gravity
        sin, cos, y, (y_t, y_w, y_u), _ = self._cart_acceleration(s, a)
        J = np.zeros((*y.shape, 4, 5))
        J[..., 0, 2] = J[..., 1, 3] = 1.0
        J[..., 2, 1], J[..., 2, 3], J[..., 2, 4] = y_t, y_w, y_u
        J[..., 3, 1] = (cos * (y_t + g) - sin * y) / -length
        J[..., 3, 3] = cos * y_w / -length
        J[..., 3, 4] = cos * y_u / -length
        return J

    def derivative_hessian(self, s, a):
        """(..., 4, 5, 5) by z = [x, θ, v, ω, u]."""
        length, g = self.length, self.gravity
        sin, cos, y, (y_t, y_w, y_u), (y_tt, y_tw, y_tu, y_ww) = self._cart_acceleration(s, a, second=True)
        H = np.zeros((*y.shape, 4, 5, 5))
        H[..., 2, 1, 1] = y_tt
        H[..., 2, 1, 3] = H[..., 2, 3, 1] = y_tw
        H[..., 2, 1, 4] = H[..., 2, 4, 1] = y_tu
        H[..., 2, 3, 3] = y_ww
        H[..., 3, 1, 1] = (cos * (y_tt - y) - sin * (2.0 * y_t + g)) / -length
        H[..., 3, 1, 3] = H[..., 3, 3, 1] = (cos * y_tw - sin * y_w) / -length
        H[..., 3, 1, 4] = H[..., 3, 4, 1] = (cos * y_tu - sin * y_u) / -length
        H[..., 3, 3, 3] = cos * y_ww / -length
        return H

    def _cart_acceleration(self, s, a, second=False):
        """sin θ, cos θ, y = x'' and its first (and second) derivatives by θ (t), ω (w) and u.

        y = N / D is derived as y D = N: y_t D + y D_t = N_t, and so on.
        """
        m2, length, g = self.pole_mass, self.length, self.gravity
        theta, omega = s[..., 1], s[..., 3]
        sin, cos = np.sin(theta), np.cos(theta)
        m2_sin, m2_cos, pull = m2 * sin, m2 * cos, length * omega * omega
        y_u = 1.0 / (self.cart_mass + m2_sin * sin)
        y = (m2_sin * (pull + g * cos) + a[..., 0]) * y_u
        D_t = 2.0 * m2_sin * cos
        D_tt = 2.0 * (m2_cos * cos - m2_sin * sin)
        y_t = (m2_cos * pull + 0.5 * g * D_tt - y * D_t) * y_u
        y_w = 2.0 * length * m2_sin * omega * y_u
        if not second:
            return sin, cos, y, (y_t, y_w, y_u), None
        y_tt = (-m2_sin * pull - 2.0 * g * D_t - 2.0 * y_t * D_t - y * D_tt) * y_u
        y_tw = (2.0 * length * m2_cos * omega - y_w * D_t) * y_u
        return sin, cos, y, (y_t, y_w, y_u), (y_tt, y_tw, -y_u * y_u * D_t, 2.0 * length * m2_sin * y_u)

    def cost_rate(self, s, a):
        """w_u u², of shape (...)."""
        return np.broadcast_to(
            self.force_weight * a[..., 0] ** 2, np.broadcast_shapes(s.shape[:-1], a.shape[:-1])
        )

    def final_cost(self, s):
        """1/2 sum_i w_i (s_i - goal_i)², of shape (...)."""
        error = s - self.goal
        return 0.5 * (error * error) @ self.final_weights

    def quadratize_rate(self, s, a):
        """Hessian (..., 5, 5), the same everywhere, and gradient (..., 5): only the force costs."""
        curvature = np.zeros(5)
        curvature[4] = 2.0 * self.force_weight
        z = self._join(s, a)
        return np.broadcast_to(np.diag(curvature), (*z.shape, 5)), z * curvature

    def quadratize_final(self, s):
        """V (..., 4, 4), the same everywhere, and v (..., 4)."""
        return np.broadcast_to(np.diag(self.final_weights), (*s.shape, 4)), self.final_weights * (
            s - self.goal
        )


class CartPoleEnv(ControlEnv):
    """The cart-pole in Gymnasium; an observation is the state [x, θ, v, ω].

    All but the effort is in the final cost, paid with the last action of an episode.

    Parameters
        world: by default `CartPole()`
        options: those of `ControlEnv`; by default actions are shares of the limit, and an episode starts
            within ± 0.05 of the world's initial state
    """

    view = ((-2.5, -1.0), (2.5, 1.0))
    metadata = ControlEnv.metadata | {"render_fps": 75}

    def __init__(self, world: CartPole | None = None, *, render_mode: str | None = None, **options):
        defaults = {
            "normalized_actions": True,
            "start_spread": 0.05,
            "sensor_range": (100.0, 300.0, 100.0, 300.0),
        }
        super().__init__(world or CartPole(), render_mode=render_mode, **(defaults | options))

    def draw(self, canvas):
        """Track, goal, cart and pole, and the force as a bar at the side of the cart that it pushes."""
        x, theta, length = self.state[0], self.state[1], self.world.length
        corners = np.array([0.15, 0.08]) * [[-1, -1], [1, -1], [1, 1], [-1, 1]]
        canvas.line([(self.view[0][0], -0.08), (self.view[1][0], -0.08)], canvas.GREY, width=0.01)
        canvas.disc((self.world.goal[0], length), 0.06, canvas.GREEN)
        canvas.polygon(corners + np.array([x, 0.0]), canvas.BLUE)
        side = x + 0.15 * np.sign(self.last_action[0])
        canvas.line([(side, 0.0), (side + 0.03 * self.last_action[0], 0.0)], canvas.VERMILLION, width=0.03)
        bob = (x + length * np.sin(theta), -length * np.cos(theta))
        canvas.line([(x, 0.0), bob], canvas.INK, width=0.03)
        canvas.disc(bob, 0.05, canvas.INK)
