"""The table of properties, and the function that asks for them."""

from __future__ import annotations

from collections.abc import Callable, Collection

from torch import nn

from entreg.testing import claims, meaning, numbers
from entreg.testing.case import Case

Property = Callable[[Case], str | None]

PROPERTIES: dict[str, Property] = {
    "finite": numbers.finite,
    "deterministic": numbers.deterministic,
    "gradient": numbers.gradient,
    "preference": meaning.preference,
    "descent": meaning.descent,
    "shift": meaning.shift,
    "order": meaning.order,
    "reduction": meaning.reduction,
    "samples": meaning.samples,
    "weight": meaning.weight,
    "ignore_index": meaning.ignore_index,
    "inputs": numbers.inputs,
    "autocast": numbers.autocast,
}

CLAIMS: dict[str, Property] = {
    "per_sample": claims.per_sample,
    "class_symmetric": claims.class_symmetric,
    "soft": claims.soft,
    "masking": claims.masking,
}


def check_loss(
    loss: nn.Module,
    *,
    exempt: Collection[str] = (),
    num_classes: int | None = None,
    per_sample: bool = False,
    class_symmetric: bool = False,
    soft: bool = False,
    masking: bool = False,
    half: bool = False,
) -> None:
    """Check that a loss of logits ``(N, C)`` and class indices ``(N,)`` does what training a classifier relies on.

    The loss of a batch has to be one number (``scalar``). These properties are asked of every loss that is not
    ``exempt`` from them:

    ``finite``
        loss and gradient are finite for logits of 1e4 and -1e4, right or wrong;
    ``deterministic``
        the same call gives the same loss;
    ``gradient``
        autograd agrees with finite differences, for logits and parameters (:func:`torch.autograd.gradcheck`);
    ``preference``
        exchanging the target's largest logit with that of another class raises the loss;
    ``descent``
        a step of gradient descent on near equal logits raises the probability of the target;
    ``shift``
        a constant added to all logits of a sample changes nothing;
    ``order``
        the order of the samples does not matter;
    ``reduction``
        a batch given twice has the same loss, or twice the loss where the attribute ``reduction`` is ``"sum"``;
    ``samples``
        a batch's loss is the mean (sum) of its samples' own, up to class weights;
    ``weight``
        the loss changes with the class weights: asked where it has them, in a buffer ``weight`` or ``class_weight``;
    ``ignore_index``
        ignored samples might as well not be there: asked where the loss has this attribute;
    ``inputs``
        logits and target are not changed in place;
    ``autocast``
        under autocast, logits in float16 and bfloat16 give float32's loss up to 2 %.

    What passes may still be another loss than was meant: cross-entropy without its logarithm, with one softmax too many
    or divided by C is a loss as well. Losses of several views of each image (AugMix) are not for this suite.

    Args:
        loss: the module; it is copied, never changed.
        exempt: properties above that it does not claim: ``{"shift"}`` for one that looks at the logits themselves
            (LogitNorm, binary cross-entropy), ``{"samples"}`` for one that compares the samples of a batch (MMCE); and
            ``{"indices"}`` for one that takes probabilities only, which is then asked everything with one-hot ones.
        num_classes: C; by default as many as there are class weights, else 7.
        per_sample: it has an attribute ``reduction``; ``"none"`` gives one value a sample, whose mean and sum are the
            other two.
        class_symmetric: relabelling the classes leaves it unchanged.
        soft: it takes probabilities ``(N, C)`` too, and one-hot ones give what their indices do.
        masking: it stays finite for logits of ``-inf`` on classes that are not the target, or, with ``soft``, of
            probability 0, which PyTorch's cross-entropy does not.
        half: it stays finite for float16 and bfloat16 logits outside autocast too, which PyTorch's own losses do not.

    Raises:
        AssertionError: on the first property that does not hold: its name, what was expected and what was seen.
        ValueError: if ``exempt`` holds a name that is none of these, or ``num_classes`` is no number of classes.
        TypeError: if the loss is no module.

    Example:
        >>> check_loss(nn.CrossEntropyLoss(label_smoothing=0.1))
        >>> check_loss(nn.BCEWithLogitsLoss(), exempt={"indices", "shift"})
    """
    if not isinstance(loss, nn.Module):
        said = loss.__name__ if isinstance(loss, type) else repr(loss)
        raise TypeError(f"loss {said}: expected an instance of nn.Module, such as nn.CrossEntropyLoss()")
    if num_classes is not None and (not isinstance(num_classes, int) or num_classes < 2):
        raise ValueError(f"num_classes {num_classes!r}: expected a whole number >= 2")
    exempt = {exempt} if isinstance(exempt, str) else set(exempt)
    unknown = exempt - {*PROPERTIES, "indices"}
    if unknown:
        names = ", ".join([*PROPERTIES, "indices"])
        raise ValueError(f"a loss can be exempt from {names}, got {', '.join(sorted(unknown))}")
    case = Case.of(loss, num_classes, probabilities="indices" in exempt, soft=soft, half=half)
    _ask("scalar", numbers.scalar, case, "set its reduction, or exempt={'indices'} if it takes probabilities only")
    for name, check in PROPERTIES.items():
        if name not in exempt:
            _ask(name, check, case, f"if that is meant, exempt={{{name!r}}}")
    claimed = {"per_sample": per_sample, "class_symmetric": class_symmetric, "soft": soft, "masking": masking}
    for name, check in CLAIMS.items():
        if claimed[name]:
            _ask(name, check, case, f"else leave out {name}=True")


def _ask(name: str, check: Property, case: Case, mend: str) -> None:
    loss = type(case.loss).__name__
    try:
        wrong = check(case)
    except Exception as error:
        said = str(error).partition("\n")[0]
        raise AssertionError(f"{loss} fails {name!r}: it raises {type(error).__name__}: {said}; {mend}") from error
    if wrong:
        raise AssertionError(f"{loss} fails {name!r}: {wrong}; {mend}")
