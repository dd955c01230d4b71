"""The entries of the registry: every loss that comes with entreg."""

from __future__ import annotations

from entreg.losses import baselines, entropy
from entreg.losses.family import EntropyRegularizedLoss
from entreg.losses.registry import LossInfo, register

_LEARNT = "weights, bases"

for _info in (
    LossInfo("cross_entropy", entropy.CrossEntropyLoss, "CE(q, p) = -sum_k q_k ln p_k", "torch.nn.CrossEntropyLoss"),
    LossInfo(
        "min_ent", entropy.MinEntLoss, "w1/ln b1 * CE(q, p) + w2/ln b2 * H(p)", "arXiv 2501.13709", learnable=_LEARNT
    ),
    LossInfo(
        "mix_ent",
        entropy.MixEntLoss,
        "w1/ln b1 * CE(q, p) + w2/ln b2 * (H(p) + KL(p || clamp(q, eps, 1)))",
        "arXiv 2501.13709; fixed: arXiv 1908.06112",
        learnable=_LEARNT,
    ),
    LossInfo(
        "reverse_kl",
        entropy.ReverseKLLoss,
        "w1/ln b1 * CE(q, p) + w2/ln b2 * KL(p || clamp(q, eps, 1))",
        "ablation of arXiv 2501.13709",
        learnable=_LEARNT,
    ),
    LossInfo("confidence_penalty", entropy.ConfidencePenaltyLoss, "CE(q, p) - beta * H(p)", "arXiv 1701.06548"),
    LossInfo(
        "entropy_regularized",
        EntropyRegularizedLoss,
        "c1 * CE + c2 * H + c3 * KL + c4 * RCE, c = s(t) * w/ln b",
        "all of the above",
        learnable="what is given as a Term",
    ),
    LossInfo(
        "label_smoothing",
        baselines.LabelSmoothingLoss,
        "CE((1 - s) * q + s/C, p)",
        "arXiv 1512.00567",
        masking=False,
    ),
    LossInfo("focal", baselines.FocalLoss, "-(1 - p_y)^gamma * ln p_y", "arXiv 1708.02002"),
    LossInfo(
        "symmetric_cross_entropy",
        baselines.SymmetricCrossEntropyLoss,
        "alpha * CE(q, p) + beta * RCE(p, q), ln 0 := A",
        "arXiv 1908.06112",
    ),
    LossInfo("generalized_cross_entropy", baselines.GeneralizedCrossEntropyLoss, "(1 - p_y^q) / q", "arXiv 1805.07836"),
    LossInfo("mae", baselines.MeanAbsoluteErrorLoss, "2 * (1 - p_y)", "arXiv 1712.09482"),
    LossInfo("brier", baselines.BrierLoss, "sum_k (p_k - q_k)^2", "Brier 1950"),
    LossInfo("poly1", baselines.Poly1Loss, "-ln p_y + epsilon * (1 - p_y)", "arXiv 2204.12511"),
    LossInfo(
        "mmce",
        baselines.MMCELoss,
        "CE + lambda * MMCE(batch)",
        "Kumar et al., ICML 2018",
        per_sample=False,
        soft=False,
        exempt=("samples",),
    ),
    LossInfo(
        "margin_label_smoothing",
        baselines.MarginLabelSmoothingLoss,
        "CE + alpha/C * sum_k max(0, max_j z_j - z_k - m)",
        "arXiv 2111.15430",
    ),
    LossInfo(
        "negative_label_smoothing",
        baselines.NegativeLabelSmoothingLoss,
        "(1 - r) * CE(q, p) - r/C * sum_k ln p_k, r <= 0",
        "arXiv 2106.04149",
        masking=False,
    ),
    LossInfo("dual_focal", baselines.DualFocalLoss, "-(1 - p_y + p_j)^gamma * ln p_y", "arXiv 2305.13665"),
    LossInfo(
        "logit_norm", baselines.LogitNormLoss, "CE(q, softmax(z / (tau * |z|)))", "arXiv 2205.09310", exempt=("shift",)
    ),
    LossInfo(
        "eps_softmax",
        baselines.EpsSoftmaxLoss,
        "-alpha * ln((p_y + m * [y = argmax p]) / (1 + m)) + 2 * beta * (1 - p_y)",
        "arXiv 2508.02387",
    ),
    LossInfo(
        "mdca",
        baselines.MDCALoss,
        "-(1 - p_y)^gamma * ln p_y + beta/C * sum_k |mean p_k - mean q_k|",
        "arXiv 2203.13834",
        per_sample=False,
        exempt=("samples",),
    ),
    LossInfo(
        "bsce_gra",
        baselines.BSCEGRALoss,
        "constant(|q - p|^gamma) * CE(q, p)",
        "arXiv 2503.22725",
        exempt=("gradient",),
    ),
):
    register(_info)
