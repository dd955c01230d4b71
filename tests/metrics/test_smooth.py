"""SmoothECE against its definition, against relplot, and the variance that its terms state."""

import numpy as np
import pytest
import relplot
import torch

from entreg.metrics import smooth_calibration_error, smooth_calibration_terms


def predictions(rng, samples, gap=0.2, a=9.0, b=1.0):
    confidence = rng.beta(a, b, samples)
    return torch.tensor(confidence), torch.tensor(
        rng.random(samples) < confidence - 4 * gap * confidence * (1 - confidence)
    )


@pytest.mark.parametrize(("samples", "gap", "a", "b"), [(2000, 0.0, 5, 1), (2000, 0.2, 9, 1), (20000, -0.1, 2, 2)])
def test_it_is_that_of_relplot(samples, gap, a, b):
    confidence, correct = predictions(np.random.default_rng(0), samples, gap, a, b)
    expected = relplot.smECE(confidence.numpy(), correct.numpy().astype(float))  # its widths are multiples of 1 / 1024
    assert smooth_calibration_error(confidence, correct).item() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("confidences", [(0.3, 0.9, 0.97), (0.999, 1.0, 0.5), (0.0, 1.0, 1.0)])
def test_its_width_is_the_integral_over_reflected_gaussians_of_that_width(confidences):
    confidence, correct = torch.tensor(confidences), torch.tensor([True, False, True])
    width = smooth_calibration_error(confidence, correct).item()
    t, smoothed = (np.arange(20_000) + 0.5) / 20_000, 0.0
    for f, y in zip(confidence.double().numpy(), correct.numpy(), strict=True):
        for place in (sign * f + 2 * period for sign in (1, -1) for period in range(-4, 5)):
            smoothed += (y - f) * np.exp(-(((t - place) / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi)) / 3
    assert np.abs(smoothed).mean() == pytest.approx(width, abs=1e-5)


def test_none_wrong_is_0_and_all_wrong_is_1():
    sure = torch.ones(3)
    assert smooth_calibration_error(sure, sure.bool()) == 0
    assert smooth_calibration_error(sure, ~sure.bool()).item() == pytest.approx(1)


def test_terms_are_what_leaving_a_sample_out_takes_away():
    samples = 200  # of which F falls steeply with the width
    confidence, correct = predictions(np.random.default_rng(2), samples, gap=0.05)
    deviations = smooth_calibration_terms(confidence, correct) - smooth_calibration_error(confidence, correct)
    others = ~torch.eye(samples, dtype=torch.bool)
    left_out = torch.stack([smooth_calibration_error(confidence[rest], correct[rest]) for rest in others])
    taken = (samples - 1) * (left_out.mean() - left_out)
    assert (taken @ deviations / (deviations @ deviations)).item() == pytest.approx(1, abs=0.1)
    assert np.corrcoef(taken, deviations)[0, 1] > 0.98


def test_the_variance_of_the_terms_is_that_over_samples():
    rng = np.random.default_rng(1)
    terms = [smooth_calibration_terms(*predictions(rng, 2000)) for _ in range(250)]
    values = np.array([of_study.mean().item() for of_study in terms])
    stated = np.array([(of_study.var() / 2000).item() for of_study in terms])
    assert values.std() == pytest.approx(np.sqrt(stated.mean()), rel=0.134)  # 3 standard errors of a deviation
    true = smooth_calibration_error(*predictions(rng, 500_000)).item()
    assert (np.abs(values - true) < 1.96 * np.sqrt(stated)).mean() > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 250)


def test_shapes_and_confidences_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(3,\): expected"):
        smooth_calibration_error(torch.zeros(2), torch.zeros(3))
    with pytest.raises(ValueError, match=r"confidences of 0 to 1\.5: expected"):
        smooth_calibration_error(torch.tensor([0.0, 1.5]), torch.zeros(2))
