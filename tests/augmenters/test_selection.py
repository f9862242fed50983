"""Selection of synthetic windows: judges against densities and probabilities by hand, and what sampling promises."""

import numpy as np
import pytest
import torch
from padded_sets import unpadded
from represented import represented
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from emogan.augmenters import GANAugmenter, balanced_labels
from emogan.augmenters.discriminant import discriminant, whitening
from emogan.augmenters.gan import SAMPLE_BLOCK
from emogan.augmenters.selection import JUDGES, ByClassifier, ByDensity
from emogan.models import CBEGAN, CGAN, CVAE, CWGAN, Diffusion, TrialCBEGAN

SELECTED = represented(
    [
        *((gan, "discriminator") for gan in (CBEGAN, CWGAN, CGAN, TrialCBEGAN)),
        (CBEGAN, "density"),
        (TrialCBEGAN, "density"),
        (CVAE, "density"),
        (CGAN, "classifier"),
        (Diffusion, "classifier"),
    ],
    by=[(CBEGAN, "discriminator"), (TrialCBEGAN, "discriminator"), (TrialCBEGAN, "density"), (CGAN, "classifier")],
)


def seeded(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def labels(members: int, n: int) -> torch.Tensor:
    return torch.from_numpy(balanced_labels(n, 3)).expand(members, n)


def make(gan=CBEGAN, **settings):
    settings = {"iterations": 10, "hidden": 53, "batch_size": 16, "noise_features": 21, **settings}
    if "noise_features" in gan.derived:  # it works out how much noise it takes
        noise = settings.pop("noise_features")
        settings |= {TrialCBEGAN: {"components": noise}, CVAE: {"latent": noise}}.get(gan, {})
    return GANAugmenter(gan, name="gan", **settings)


def fit(augmenter, windows, members=(0, 1, 2, 3, 4)):
    x, y, n = (part[list(members)] for part in windows)
    trial = (torch.arange(60) // 10).expand_as(y)
    return augmenter.fit(unpadded(x, y, n, trial), [100 + m for m in members], classes=3)


def candidates(augmenter, y, generators, count):
    """What a block of windows is chosen from: noise and windows, so many of each."""
    found = []
    for _ in range(count):
        z = torch.stack([torch.rand(SAMPLE_BLOCK, augmenter.model.noise_features, generator=g) for g in generators])
        found.append((z * 2 - 1, augmenter.model.generate(z * 2 - 1, y)))
    return found


@pytest.mark.parametrize(("gan", "selection"), SELECTED)
@torch.no_grad()
def test_every_window_is_the_best_of_its_own_candidates(gan, selection, windows):
    augmenter = fit(make(gan, selection=selection, oversample=3), windows(33))
    y = labels(5, SAMPLE_BLOCK)
    drawn = augmenter.sample(y, seeded(0, 1, 2, 3, 4))
    offered = candidates(augmenter, y, seeded(0, 1, 2, 3, 4), 3)
    scores = torch.stack([augmenter.selection.judge(z, x, y) for z, x in offered])
    assert len(scores.argmax(0).unique()) == 3, "each candidate should win somewhere"
    for m in range(5):
        for i in range(SAMPLE_BLOCK):
            assert torch.equal(drawn[m, i], offered[scores[:, m, i].argmax()][1][m, i])


@torch.no_grad()
def test_the_discriminator_judges_as_it_does_in_training(windows):
    y, z = labels(5, 30), torch.rand(5, 30, 21, generator=torch.Generator().manual_seed(0)) * 2 - 1
    cbegan, cwgan, cgan = (fit(make(gan), windows(33)).model for gan in (CBEGAN, CWGAN, CGAN))
    x = cbegan.generate(z, y)
    torch.testing.assert_close(cbegan.realism(z, y), -(x - cbegan.discriminator(x, y)).abs().mean(-1))
    for model in (cwgan, cgan):
        both = torch.cat([model.generate(z, y), torch.eye(3)[y]], dim=-1)
        torch.testing.assert_close(model.realism(z, y), model.discriminator(both).squeeze(-1))


@torch.no_grad()
def test_the_discriminator_of_trial_cbegan_sees_its_windows_in_their_first_white_axes(windows):
    model = fit(make(TrialCBEGAN), windows(33)).model
    y, z = labels(5, 30), torch.rand(5, 30, 34, generator=torch.Generator().manual_seed(0)) * 2 - 1
    weight, bias = model.generator.colour.weight_and_bias()
    white = torch.linalg.solve(weight.double(), (model.generate(z, y) - bias).double(), left=False)[..., :21].float()
    torch.testing.assert_close(model.realism(z, y), -model.reconstruction_loss(white, y), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("classes", [2, 3])
@torch.no_grad()
def test_density_and_classifier_judge_as_gaussians_by_hand(classes, windows):
    x, _, n = windows(6)
    y = torch.arange(60).expand(5, -1) % classes
    x = x + 0.3 * y[..., None]
    model = make().build(5, 6, classes)
    density, classifier = ByDensity(model), ByClassifier(model)
    for judge in (density, classifier):
        judge.fit(unpadded(x, y, n))
    new = torch.rand(5, 40, 6, generator=torch.Generator().manual_seed(1))
    wanted = torch.arange(40).expand(5, -1) % classes
    by_density, by_classifier = (judge(None, new, wanted) for judge in (density, classifier))
    for m, length in enumerate(n.tolist()):
        lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto", store_covariance=True)
        lda.fit(x[m, :length].double().numpy(), y[m, :length].numpy())
        log_p = lda.predict_log_proba(new[m].double().numpy())
        for k in range(classes):
            own = wanted[m] == k
            expected = multivariate_normal(lda.means_[k], lda.covariance_).logpdf(new[m, own].double().numpy())
            difference = by_density[m, own].numpy() / 2 - expected
            np.testing.assert_allclose(difference, difference[0], atol=1e-3)
            others = np.delete(log_p[own], k, axis=1).max(1)
            np.testing.assert_allclose(by_classifier[m, own].numpy(), log_p[own, k] - others, atol=1e-3)


def test_in_white_axes_windows_of_one_class_vary_alike():
    random = np.random.default_rng(0)
    mixing = random.normal(size=(4, 4)) * [1, 0.1, 5, 0.5]
    y = np.repeat([0, 1], 5000)
    x = random.normal(size=(10000, 4)) @ mixing + 10 * y[:, None]
    white = x @ whitening(discriminant(x, y).covariance_)
    for k in range(2):
        np.testing.assert_allclose(np.cov(white[y == k].T), np.eye(4), atol=0.06)


def test_axes_along_which_nothing_varies_do_not_become_infinite():
    assert np.isfinite(whitening(np.diag([1.0, 0.0, 2.0]))).all()


@torch.no_grad()
def test_a_class_without_training_windows_takes_its_first_candidates(windows):
    x, y, n = windows(5)
    for selection in ("classifier", "density"):
        augmenter = make(selection=selection).fit(unpadded(x, y, n), classes=4)
        wanted = torch.full((5, SAMPLE_BLOCK), 3)
        drawn = augmenter.sample(wanted, seeded(0, 1, 2, 3, 4))
        assert drawn.isfinite().all()
        if selection == "classifier":
            ((_, first),) = candidates(augmenter, wanted, seeded(0, 1, 2, 3, 4), 1)
            assert torch.equal(drawn, first)


@pytest.mark.parametrize("selection", JUDGES)
def test_a_single_candidate_changes_nothing(selection, windows):
    data, y = windows(9), labels(5, 300)
    plain = fit(make(), data).sample(y, seeded(0, 1, 2, 3, 4))
    single = fit(make(selection=selection, oversample=1), data).sample(y, seeded(0, 1, 2, 3, 4))
    assert torch.equal(single, plain)


def test_density_narrows_and_the_classifier_separates(windows):
    x, y, n = windows(4)
    x = x + 0.2 * y[..., None]
    drawn = {
        selection: fit(make(TrialCBEGAN, selection=selection), (x, y, n))
        .sample(labels(5, 600), seeded(0, 1, 2, 3, 4))
        .numpy()
        for selection in (None, "density", "classifier")
    }
    for m, length in enumerate(n.tolist()):
        lda = discriminant(x[m, :length].numpy(), y[m, :length].numpy())
        accuracy = {name: lda.score(windows[m], labels(1, 600)[0]) for name, windows in drawn.items()}
        assert accuracy["classifier"] > accuracy[None]
        white, mean = whitening(lda.covariance_), lda.means_[0]
        distance = {name: (((one[m, ::3] - mean) @ white) ** 2).sum(1).mean() for name, one in drawn.items()}
        assert distance["density"] < distance[None]


@pytest.mark.parametrize(("gan", "selection"), SELECTED)
def test_neither_grouping_nor_the_store_nor_n_changes_a_bit_of_what_is_selected(gan, selection, windows):
    data = windows(33)
    together = fit(make(gan, selection=selection), data)
    most = together.sample(labels(5, 600), seeded(0, 1, 2, 3, 4))
    for n in (1, 50, 256, 257):
        assert torch.equal(together.sample(labels(5, n), seeded(0, 1, 2, 3, 4)), most[:, :n])
    for group in ([0], [3, 1]):
        apart = fit(make(gan, selection=selection), data, group)
        assert torch.equal(apart.sample(labels(len(group), 50), seeded(*group)), most[group, :50])
    records = together.generators()
    restored = make(gan, selection=selection).restore([records[m] for m in (4, 0)], features=33, classes=3)
    assert torch.equal(restored.sample(labels(2, 600), seeded(4, 0)), most[[4, 0]])


def test_selection_stands_in_the_identity_only_if_it_is_asked_for():
    plain = make().identity()
    assert not {"selection", "oversample"} & plain.keys()
    assert make(oversample=9).identity() == plain, "without effect"
    assert make(selection="density").identity() == plain | {"selection": "density", "oversample": 4}
