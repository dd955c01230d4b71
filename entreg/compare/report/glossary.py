"""What the terms of a report mean: where they stand in a table, and all of them at the foot of the page."""

from __future__ import annotations

import re

from entreg.text import for_html

TERMS = {
    "at T": "after the logits were divided by the temperature T, one number that is fitted on validation",
    "adjusted": "made wider, or larger, so that all comparisons together err in 5 % of studies, or what is said",
    "AUPR in": "area under the precision-recall curve where test samples are what is looked for",
    "AUPR out": "area under the precision-recall curve where samples of the other set are what is looked for",
    "AUROC": "probability that a test sample gets a higher score than one of another set; 50 % is chance",
    "Brier": "mean squared distance between the probabilities and the true class; lower is better",
    "calibration part": "of NLL or Brier: what dividing the logits by T takes away; the rest, at T, is refinement",
    "calibration error": "how far confidence is from accuracy, debiased: perfect calibration gives 0 on average",
    "collapsed": "finished no better than chance, or with one class for 95 % of the samples; counts as it is",
    "ECE": "expected calibration error of papers: mean distance of confidence and accuracy over bins, never quite 0",
    "energy": "score of how familiar a sample is: the log of the sum of the exponentials of its logits",
    "entropy": "how spread the probabilities of a sample are, in nats: 0 is certain",
    "equivalent": "the interval lies within the margin, the largest difference that does not matter",
    "exploratory": "not planned before the runs: what is found is to be confirmed by new ones",
    "FPR95": "share of the other set that is taken for test samples where 95 % of those are kept",
    "interval": "what the true difference may be: of 100 such studies 95 have intervals that hold it",
    "interquartile mean": "mean of the middle half of all runs, so that no single one decides",
    "max_logit": "score of how familiar a sample is: its largest logit",
    "mean rank": "mean over data sets of an arm's place among all arms, 1 being the best",
    "minimum detectable": "smallest true difference that 4 of 5 such studies find (80 % power)",
    "msp": "maximum softmax probability, the confidence of the class that is predicted",
    "NLL": "negative log likelihood of the true class in nats; lower is better",
    "pairs": "seeds that both arms have: the two runs of a seed are compared with each other",
    "Performance profile": "which share of an arm's runs, over all data sets, is better than each score",
    "refinement": "what is left of NLL or Brier at T: how well classes are told apart, whatever the confidence",
    "seeds and samples": "an interval for new seeds and new test samples, not for these samples only",
    "SmoothECE": "calibration error without bins (smECE), biased upwards where calibration is nearly perfect",
}
_ANY = re.compile("|".join(rf"(?<!\w){re.escape(term)}(?!\w)" for term in sorted(TERMS, key=len, reverse=True)))


def explained(text: str) -> str:
    """Return a text for HTML, in which the terms say what they mean where they are pointed at.

    Example:
        >>> explained("<NLL>")
        '&lt;<abbr title="negative log likelihood of the true class in nats; lower is better">NLL</abbr>&gt;'
    """
    return _ANY.sub(lambda term: f'<abbr title="{for_html(TERMS[term[0]])}">{term[0]}</abbr>', for_html(text))


def glossary() -> str:
    """Return all terms as a list of definitions."""
    return "<dl>" + "".join(f"<dt>{term}</dt><dd>{for_html(TERMS[term])}</dd>" for term in TERMS) + "</dl>"
