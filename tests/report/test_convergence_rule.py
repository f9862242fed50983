"""The rule that marks the iteration of convergence."""

import numpy as np
import pytest

from emogan.report.convergence_rule import AVERAGED, convergence, long_enough


def test_a_step_has_converged_once_the_running_mean_is_nearly_past_it():
    curve = np.where(np.arange(1000) < 300, 10.0, 2.0)
    # a running mean over 50 iterations that ends at iteration t holds 350 - t values of 10: 5 % of 50 are 2.5 of them
    assert convergence(curve) == 348


def test_an_exponential_fall_converges_where_its_running_mean_comes_within_five_percent():
    t = np.arange(2000)
    curve = 0.6 + np.exp(-t / 100)
    running = np.array([curve[i - 49 : i + 1].mean() for i in range(49, 2000)])
    level = curve[1600:].mean()
    inside = np.abs(running - level) <= 0.05 * np.abs(running - level).max()
    assert convergence(curve) == 50 + int(np.argmax(inside)) == 350


@pytest.mark.parametrize("change", [lambda x: -x, lambda x: 3 * x - 7], ids=["rising", "scaled"])
def test_direction_scale_and_level_do_not_matter(change):
    curve = np.exp(-np.arange(1000) / 50)
    assert convergence(change(curve)) == convergence(curve)


def test_a_straight_slope_never_converges():
    assert convergence(np.linspace(5, 0, 1000)) is None


def test_a_late_excursion_puts_convergence_after_it():
    curve = np.where(np.arange(1000) < 100, 10.0, 0.0)
    curve[600:650] = 5.0
    assert convergence(curve) > 650


def test_a_constant_curve_has_converged_as_soon_as_the_window_is_full():
    assert convergence(np.full(500, 3.0)) == 50


def test_a_curve_shorter_than_two_windows_is_not_judged():
    assert convergence(np.zeros(99)) is None


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="finite values, got nan"):
        convergence(np.array([1.0] * 200 + [np.nan]))


def test_training_is_long_enough_at_the_first_look_whose_averaged_error_is_near_the_lowest():
    error = np.array([4.0, 3.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.97, 1.3, 1.5])
    assert long_enough(error) == 8  # measurements 4 to 8 are all at 1


def test_errors_in_between_count_no_more_than_their_share():
    error = np.full(20, 0.8)
    error[9] = 0.1  # one look that happens to be good
    assert long_enough(error) == 10


def test_fewer_looks_than_are_averaged_tell_nothing():
    assert long_enough(np.ones(AVERAGED - 1)) is None
