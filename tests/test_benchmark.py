"""The benchmark compares like with like, counts what is computed, and writes what it measured."""

import argparse
import itertools
import json
import math
import os
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import create_autospec

import pytest
import torch
from padded_sets import in_double, unpadded
from torch.utils.flop_counter import FlopCounterMode

from emogan.benchmark import gpu, gpu_checks
from emogan.benchmark.__main__ import main
from emogan.benchmark.draw import sources
from emogan.benchmark.gpu_sizes import GPU, REHEARSAL
from emogan.benchmark.plain import PlainCBEGAN, PlainCWGAN, loader
from emogan.benchmark.record import Record, alternately
from emogan.benchmark.sections import run
from emogan.benchmark.steps import Step, verdict
from emogan.benchmark.training import CLASSES, Case, products
from emogan.models.stacked import StackedLinear
from emogan.training.batches import MemberBatches

FEATURES, HIDDEN, BATCH, ITERATIONS = 33, 40, 16, 8


@pytest.fixture
def both(standalone):
    """``both(gan)``: two stacked GANs as configured, the plain one of the second's weights, and their batches."""

    def build(gan):
        augmenter = Case(gan, FEATURES, HIDDEN).augmenter(ITERATIONS)
        stacked = standalone(augmenter.build(2, FEATURES, CLASSES, [1, 2]).double())
        plain = {"cbegan": PlainCBEGAN, "cwgan": PlainCWGAN}[gan](FEATURES, CLASSES, [HIDDEN, HIDDEN])
        plain = standalone(plain.double())
        layers = [layer for layer in stacked.modules() if isinstance(layer, StackedLinear)]
        linear = [layer for layer in plain.modules() if isinstance(layer, torch.nn.Linear)]
        for layer, alone in zip(layers, linear, strict=True):
            weight, bias = layer.weight_and_bias()
            alone.weight.data, alone.bias.data = weight[1].T.detach().clone(), bias[1, 0].detach().clone()
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(2, 50, FEATURES, generator=generator)
        y = torch.randint(CLASSES, (2, 50), generator=generator)
        source = MemberBatches(unpadded(x, y), [3, 4], batch_size=BATCH, iterations=ITERATIONS, classes=CLASSES)
        source.feed(stacked)
        batches = [source.draw(i) for i in range(ITERATIONS)]
        return stacked, plain, [in_double(batch) for batch in batches]

    return build


def test_the_plain_cbegan_has_the_losses_and_the_weights_of_the_stacked_one(both):
    stacked, plain, batches = both("cbegan")
    for batch in batches:
        metrics = dict(zip(stacked.metrics, stacked.iterate(batch)[:, 1], strict=True))
        found = plain.iterate(batch.x[0, 1], batch.y[0, 1], batch.z[0, 1])
        for loss, expected in zip(found, (metrics["loss_real"], metrics["loss_fake"]), strict=True):
            torch.testing.assert_close(loss, expected, rtol=0, atol=1e-10)
        torch.testing.assert_close(plain.k, metrics["k"], rtol=0, atol=1e-10)
    assert plain.k > 0
    assert_same_last_layers(stacked, plain)


def test_the_plain_cwgan_has_the_losses_and_the_weights_of_the_stacked_one(both):
    stacked, plain, batches = both("cwgan")
    for batch in batches:
        metrics = dict(zip(stacked.metrics, stacked.iterate(batch)[:, 1], strict=True))
        x, y, z, u = (part[:, 1] for part in (batch.x, batch.y, batch.z, batch.u))
        assert plain.draws + 1 == len(x)
        losses = [plain.critic_step(x[i], y[i], z[i], u[i]) for i in range(plain.draws)]
        torch.testing.assert_close(losses[-1], metrics["d_loss"], rtol=0, atol=1e-10)
        torch.testing.assert_close(plain.generator_step(y[-1], z[-1]), metrics["g_loss"], rtol=0, atol=1e-10)
    assert_same_last_layers(stacked, plain)


def assert_same_last_layers(stacked, plain):
    for network, alone in ((stacked.generator, plain.generator), (stacked.discriminator, plain.discriminator)):
        *_, layer = (part for part in network.modules() if isinstance(part, StackedLinear))
        *_, linear = (part for part in alone.modules() if isinstance(part, torch.nn.Linear))
        torch.testing.assert_close(layer.weight_and_bias()[0][1].T, linear.weight, rtol=0, atol=1e-10)


def test_plain_batches_are_windows_with_their_labels_drawn_anew(both):
    x, y = torch.arange(30.0)[:, None], torch.arange(30)
    batches = list(loader(x, y, 4, 20))
    assert [tuple(part.shape for part in batch) for batch in batches] == [((20, 1), (20,))] * 4
    assert all(torch.equal(windows[:, 0].long(), labels) for windows, labels in batches)
    assert len({tuple(labels.tolist()) for _, labels in batches}) == 4


def test_a_loop_over_members_draws_what_all_at_once_draw():
    loop, source = sources(3, FEATURES)
    x, y, z, u = loop.draw(2)
    batch = source.draw(2)
    for own, other in zip((x, y, z, u), (batch.x[0], batch.y[0], batch.z[0], batch.u[0]), strict=True):
        assert (own.shape, own.dtype) == (other.shape, other.dtype)
    for m in range(3):
        found = (x[m][:, None] == source.x[m]).all(-1)  # (B, N)
        assert torch.equal(found.sum(1), torch.ones(len(x[m]), dtype=torch.int64))
        assert torch.equal(source.y[m][found.int().argmax(1)], y[m])
    assert (z.min() < -0.99, z.max() > 0.99, u.min() < 0.05, u.max() > 0.95) == (True,) * 4


def operations(case):
    """Floating-point operations of the products of an iteration."""
    return sum(2 * count * math.prod(shape) for shape, count in products(case).items())


@pytest.mark.parametrize("layers", [2, 3])
def test_the_products_of_a_cbegan_are_those_of_its_losses(layers):
    """G goes forward and back; D forward and back on real and synthetic windows, and on the latter back to their inputs.

    Going back takes a product to the weights and one to the inputs, which an outermost input does not need.
    """
    case = Case("cbegan", 64, 40, layers)
    hidden = [40] * layers
    generator = [*itertools.pairwise([103, *hidden, 64])]
    discriminator = [*itertools.pairwise([67, *hidden]), *itertools.pairwise([43, *hidden[1:], 64])]
    counts = [(layer, 3 - (not i)) for i, layer in enumerate(generator)]
    counts += [(layer, 8 - 2 * (not i)) for i, layer in enumerate(discriminator)]
    expected = sum(2 * case.batch_size * inputs * outputs * count for (inputs, outputs), count in counts)
    assert operations(case) == expected


@pytest.mark.parametrize("layers", [2, 3])
def test_the_products_of_a_cwgan_are_those_of_one_whose_penalty_is_written_by_hand(layers):
    """Autograd would also send zeros back through the penalty's forward pass: ReLU has no curvature."""
    draw, case, hidden = torch.Generator().manual_seed(0), Case("cwgan", 64, 40, layers), [40] * layers

    def network(widths):
        return [torch.rand(sizes, generator=draw).requires_grad_() for sizes in itertools.pairwise(widths)]

    generator, critic = network([103, *hidden, 64]), network([67, *hidden])
    top = torch.rand(hidden[-1]).requires_grad_()

    def fake(z):
        for weight in generator[:-1]:
            z = (z @ weight).relu()
        return torch.nn.functional.pad(z @ generator[-1], (0, 3))

    def score(x):
        for weight in critic:
            x = (x @ weight).relu()
        return (x * top).sum(1)

    def penalty(x):
        signs = []
        with torch.no_grad():
            for weight in critic:
                x = (x @ weight).relu()
                signs.append(x > 0)
        slope = top
        for weight, sign in zip(reversed(critic), reversed(signs), strict=True):
            slope = (slope * sign) @ weight.T
        return (slope[:, :64].norm(dim=1) - 1).square().mean()

    x, z = torch.rand(case.batch_size, 67), torch.rand(case.batch_size, 103)
    with FlopCounterMode(display=False) as counter:
        for _ in range(5):
            with torch.no_grad():
                made = fake(z)
            loss = score(made).mean() - score(x).mean() + penalty(x)
            torch.autograd.grad(loss, [*critic, top])
        torch.autograd.grad(score(fake(z)).mean(), generator)
    assert operations(case) == counter.get_total_flops()


def test_the_sides_of_a_measurement_take_turns():
    order = []
    sides = [lambda name=name: order.append(name) or len(order) for name in "ab"]
    assert alternately(3, *sides) == [[1, 3, 5], [2, 4, 6]]
    assert order == ["a", "b"] * 3


def test_a_ratio_is_taken_pair_by_pair(capsys):
    record = Record()
    record.add_ratio("gain", [10.0, 40.0, 30.0], [5.0, 10.0, 10.0], up_to_c=4)
    assert record.ratios == {"gain": 3.0}
    expected = {"median": 3.0, "low": 2.0, "high": 4.0, "repeats": 3, "unit": "ratio", "up_to_c": 4}
    assert record.measured["gain"] == expected
    assert capsys.readouterr().out.split() == ["gain", "3", "[2,", "4]", "ratio,", "up", "to", "c", "4"]


@pytest.mark.slow
def test_a_quick_run_writes_every_number_with_its_spread(tmp_path):
    out = tmp_path / "new" / "benchmark.json"
    main(["--quick", "--out", str(out)])
    found = json.loads(out.read_text())
    shapes = [
        f"{features}_{hidden}{gan}" for features in (33, 310, 351) for hidden in (100, 300) for gan in ("", "_cwgan")
    ]
    headlines = [f"{name}_{shape}" for name in ("stacked_vs_loop", "share_of_limit") for shape in shapes]
    headlines += ["svm_vs_sklearn_easy", "svm_vs_sklearn_overlapping", "n_aug_sweep_vs_single", "cross_augment_vs_loop"]
    headlines += ["draw_vs_loop_256_351", "input_vs_loop_256_351", "extract_vs_loop_fft", "extract_vs_loop_gaussian"]
    headlines += ["time_per_member_135_vs_16_33_100", "time_per_member_135_vs_16_351_100"]
    for key in headlines:
        spread = found["measured"][key]
        assert 0 < spread["low"] <= spread["median"] == found[key] <= spread["high"], key
        assert spread["unit"] == "ratio"
    assert found["time_per_member_135_vs_16"] == max(found[key] for key in headlines[-2:])
    assert found["measured"]["extract_loop_difference"]["median"] < 0.1  # nats: of two filters' slopes
    assert found["measured"]["svm_agreement_easy"]["low"] == 1  # small C are solved alike
    assert found["measured"]["peak_memory_members"]["median"] > 100
    assert found["machine"]["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]


@pytest.mark.slow
def test_the_spread_of_some_sections_alone_is_written(tmp_path):
    out = tmp_path / "benchmark.json"
    main(["--quick", "--only", "svm", "--repeats", "1", "--out", str(out)])
    found = json.loads(out.read_text())
    assert found["svm_vs_sklearn_easy"] > 0
    assert not any(key.startswith("stacked") for key in found["measured"])


@pytest.mark.slow
def test_a_section_that_fails_is_named(capfd):
    options = argparse.Namespace(quick=True, repeats=1, svm_budget_s="a minute")
    with pytest.raises(RuntimeError, match="the section svm failed with exit code 1, see above"):
        run("svm", options)
    assert "TypeError" in capfd.readouterr().err


@pytest.mark.slow
def test_a_sigterm_ends_the_section_in_training_too(tmp_path):
    command = [sys.executable, "-m", "emogan.benchmark", "--only", "training", "--out", str(tmp_path / "new.json")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    assert any(line.startswith("share_of_limit") for line in process.stdout), "the next training follows"
    time.sleep(1)
    process.terminate()
    assert process.wait() == 143
    process.stdout.close()
    time.sleep(3)  # what serves the section's process ends a moment later
    with pytest.raises(ProcessLookupError):  # nothing of the process group is left
        os.killpg(process.pid, 0)


@pytest.mark.parametrize("arguments", [["--only", "memroy"], ["--repeats", "0"]])
def test_impossible_options_are_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert (
        "invalid choice" in (said := capsys.readouterr().err) or "--repeats: expected a number above 0, got 0" in said
    )


@pytest.mark.slow
def test_the_steps_of_a_gpu_run_go_through_on_a_cpu(small, tmp_path, monkeypatch):
    tiny = replace(
        REHEARSAL, gans=("trial_cbegan",), measured=("cbegan",), few=1, many=3, job=(*small, "evaluation.inner=reuse"),
        shapes=((7, 50),), checked=2, crowd=2, members=(1,), large=2, on_cpu=1, laps=1, lap=1,
    )  # fmt: skip
    monkeypatch.setattr(gpu, "REHEARSAL", tiny)
    steps = [replace(step, expected_s=300) for step in gpu.STEPS if step.name not in ("table1", "drawing")]
    out = tmp_path / "new" / "gpu.json"
    assert gpu.main(["--device", "cpu", "--out", str(out), "--budget-s", "3000"], steps) == 0
    found = json.loads(out.read_text())
    assert found["what"].startswith("a rehearsal")
    assert {name: one["status"] for name, one in found["steps"].items()} == {
        step.name: "passed" if step.check else "measured" for step in steps
    }
    assert found["steps"]["memory"]["parts"]["halved"]["trained_in_groups_of"] == 1
    assert found["steps"]["synchronisations"]["parts"]["trial_cbegan"]["iterations"] == 30
    assert found["ratios"].keys() == {f"cbegan_7_50_m{m}_vs_{other}" for m in (1, 2) for other in ("alone", "cpu")}
    assert min(found["ratios"].values()) > 0


@pytest.mark.slow
def test_a_rehearsal_draws_and_does_table_1_too(tmp_path):
    out = tmp_path / "gpu.json"
    assert gpu.main(["--device", "cpu", "--out", str(out), "--only", "drawing", "table1"]) == 0
    steps = json.loads(out.read_text())["steps"]
    assert steps["drawing"]["parts"]["on_the_device"]["ms"]["low"] > 0
    found = steps["table1"]["parts"]["jobs"]
    assert found["whole_sweep"]
    assert [job["accuracy"].keys() for job in found["jobs"].values()] == [{"0", "50"}]


def parts_that_fail(sizes, until):
    yield "good", lambda: verdict(True, device=sizes.device)
    yield "raises", lambda: 1 / 0
    yield "wrong", lambda: verdict(False, difference=0.5)
    yield "dies", lambda: os._exit(3)


def late_parts(sizes, until):
    yield "measured", lambda: {"value": time.sleep(2) or 1}
    yield "left_out", lambda: {"value": 2}


def test_a_step_that_fails_is_written_down_and_the_others_go_on(tmp_path, capsys):
    steps = [
        Step("bad", parts_that_fail, 1), Step("late", late_parts, 1, check=False), Step("long", late_parts, 1e6),
        Step("good", gpu_checks.machine_parts, 1),
    ]  # fmt: skip
    out = tmp_path / "gpu.json"
    assert gpu.main(["--device", "cpu", "--out", str(out), "--budget-s", "300"], steps) == 1
    found = json.loads(out.read_text())
    assert found["failed"] == ["bad"]
    assert [one["status"] for one in found["steps"].values()] == ["failed", "cut short", "skipped", "passed"]
    bad, late = (found["steps"][name]["parts"] for name in ("bad", "late"))
    assert bad["good"]["device"] == "cpu"
    assert "ZeroDivisionError" in bad["raises"]["error"]
    assert bad["wrong"]["difference"] == 0.5
    assert "exit code 3" in bad["end"]["error"]
    assert late["measured"]["value"] == 1
    assert late["left_out"] == {"skipped": "no time left"}
    assert "ZeroDivisionError" in capsys.readouterr().out


def test_a_gpu_is_asked_for_where_there_is_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        gpu.main(["--out", str(tmp_path / "gpu.json")])
    assert "no GPU with CUDA here. A rehearsal runs without one: --device cpu" in capsys.readouterr().err


def test_what_a_gpu_has_trained_otherwise_does_not_pass(monkeypatch):
    """Weights apart by a tenth of Adam's steps, a checkpoint that is not taken, and draws that differ, fail."""
    tiny = replace(REHEARSAL, few=2, shapes=((7, 50),), checked=2)
    assert gpu_checks.trains(tiny, "cbegan")["passed"]
    distance = gpu_checks.distance
    monkeypatch.setattr(gpu_checks, "distance", lambda *args: distance(*args) | {"rms": 0.1})
    assert not gpu_checks.trains(tiny, "cbegan")["passed"]
    monkeypatch.setattr(gpu_checks, "RESUMED", 3)  # it ends before it is cut off
    assert not gpu_checks.resumes(tiny, "cbegan", "cpu", "cpu")["passed"]
    draw = MemberBatches.draw
    monkeypatch.setattr(MemberBatches, "draw", lambda self, t: (b := draw(self, t))._replace(z=b.z + torch.rand(1)))
    assert gpu_checks.same_draws(tiny, "cbegan")["differ"] == ["z"]


def test_memory_is_scarce_inside_and_waits_are_counted_by_line(monkeypatch):
    """torch.cuda is played by functions of the same arguments: there is no GPU where tests run."""
    for name in ("empty_cache", "set_per_process_memory_fraction", "get_device_properties", "set_sync_debug_mode"):
        monkeypatch.setattr(torch.cuda, name, create_autospec(getattr(torch.cuda, name)))
    torch.cuda.get_device_properties.return_value.total_memory = 1000
    with gpu_checks.scarce(GPU, 100) as callbacks:
        assert callbacks == {}
        torch.cuda.set_per_process_memory_fraction.assert_called_once_with(gpu_checks.SCARCE * 100 / 1000)
    torch.cuda.set_per_process_memory_fraction.assert_called_with(1.0)
    seen, module = gpu_checks.Synchronisations(2, 4), SimpleNamespace(device=torch.device("cuda"))
    for index in range(6):
        warnings.warn("called a synchronizing CUDA operation", stacklevel=1) if index in (2, 3) else None
        seen.on_train_batch_end(None, module, None, None, index)
    assert list(seen.waits.values()) == [2]
    assert [call.args for call in torch.cuda.set_sync_debug_mode.call_args_list] == [("warn",), ("default",)]
