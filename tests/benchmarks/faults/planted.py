"""The faults that are planted, each the kind that a careless edit makes: room, file, and which text becomes which."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One wrong edit.

    Args:
        room: folder or module of ``entreg`` that it belongs to; its tests lie in ``tests/<room>``.
        file: file below ``entreg`` that it is planted in.
        name: what ``--only`` takes, unique.
        what: what is wrong then.
        text: what is replaced, exactly once in the file.
        planted: what stands there instead.
    """

    room: str
    file: str
    name: str
    what: str
    text: str
    planted: str


# Of each room and file: name, what is wrong, text, planted.
# fmt: off
_ROWS: dict[tuple[str, str], list[tuple[str, str, str, str]]] = {
    ("losses", "losses/evaluate.py"): [
        ("kl-sign", "KL is taken for RCE + H",
         "entropy, rce = entropy - kl, rce + kl", "entropy, rce = entropy + kl, rce + kl"),
    ],
    ("losses", "losses/closed_form.py"): [
        ("fused-entropy-sign", "the entropy pulls the other way in the fused gradient",
         'constant - entropy * values["entropy"]', 'constant + entropy * values["entropy"]'),
        ("fused-rce-index", "the fused gradient takes H for RCE where a loss has both",
         'constant - rce * values["rce"]', 'constant - rce * values.get("entropy", values["rce"])'),
        ("fused-weight", "the fused gradient forgets class weights",
         "arriving = counted.weigh(grad_output, term, spec)", "arriving = grad_output"),
        ("fused-last-block", "a last block of one row is left out",
         "range(0, max(samples, 1), length)", "range(0, max(samples - 1, 1), length)"),
    ],
    ("losses", "losses/plain.py"): [
        ("penalty-ignored", "ignored samples pay the penalty of learnt coefficients",
         "((target != spec.ignore_index) | spec.unlabelled).to(spec.dtype)",
         "torch.ones_like(target, dtype=spec.dtype)"),
        ("smoothing-classes", "label smoothing is spread over C - 1 classes",
         "smoothing / logits.shape[1]", "smoothing / (logits.shape[1] - 1)"),
        ("zero-times-infinity", "a logit of -inf of a class that is no target gives NaN",
         ".masked_fill((wq == 0) & (log_p == -math.inf), 0.0)", ""),
    ],
    ("losses", "losses/terms.py"): [
        ("uint8-wraps", "class 156 in uint8 is taken for -100", "target = target.long()", "target = target.clone()"),
    ],
    ("losses", "losses/baselines/mmce.py"): [
        ("mmce-ties", "samples of equal confidence push each other",
         "torch.searchsorted(x, x)", "torch.arange(len(x))"),
    ],
    ("losses", "losses/maps.py"): [
        ("coefficient-order", "learnt and fixed coefficients change places",
         "torch.cat(numbers)[self.order]", "torch.cat(numbers)"),
        ("cosine-middle", "cosine_grow has the right ends and the wrong middle",
         "(1 - torch.cos(math.pi * progress)) / 2", "1 - torch.cos(math.pi * progress / 2)"),
    ],
    ("losses", "losses/family.py"): [
        ("confidence-sign", "the confidence penalty rewards confidence",
         '"confidence": ("entropy", -1)', '"confidence": ("entropy", 1)'),
    ],
    ("losses", "losses/entropy.py"): [
        ("published-base", "two digits of a published start value are swapped",
         "entropy_base: float = 10.73", "entropy_base: float = 10.37"),
    ],
    ("losses", "losses/baselines/focal.py"): [
        ("focal-slope", "focal loss has a gradient of NaN at p = 1 for gamma < 1",
         ".clamp(min=torch.finfo(log_p.dtype).tiny)", ""),
    ],
    ("losses", "losses/baselines/negative_smoothing.py"): [
        ("nls-share", "negative label smoothing takes too little of cross-entropy",
         "(1 - self.rate) * mean_over_target", "mean_over_target"),
    ],
    ("losses", "losses/baselines/dual_focal.py"): [
        ("dual-focal-ties", "equal probabilities are below each other",
         "torch.where(before < ordered, before, 0.0)", "before"),
        ("dual-focal-above", "dual focal loss takes the largest other probability",
         "torch.where(p < p_y, p, 0.0)", "torch.where(p != p_y, p, 0.0)"),
    ],
    ("losses", "losses/baselines/logit_norm.py"): [
        ("logit-norm-zero", "logits of 0 have an infinite gradient in half precision",
         "_SHORTEST = 5e-4", "_SHORTEST = 1e-7"),
        ("logit-norm-overflow", "the square of a large logit is infinite",
         "clamp(min=_SHORTEST)\n", "clamp(_SHORTEST, _SHORTEST)\n"),
    ],
    ("losses", "losses/baselines/eps_softmax.py"): [
        ("eps-softmax-top", "every class above the mean logit counts as predicted",
         "logits >= logits.amax(1, keepdim=True)", "(logits - logits.mean(1, keepdim=True)) > 0"),
        ("eps-softmax-scale", "a wrong prediction is not divided by 1 + m",
         "math.log1p(self.m) - log_p", "-log_p"),
    ],
    ("losses", "losses/baselines/mdca.py"): [
        ("mdca-sign", "classes that are predicted too often make up for the others",
         ".sum(1) / count).abs().mean()", ".sum(1) / count).mean().abs()"),
        ("mdca-ignored", "ignored samples count among those of the batch",
         "keep.sum().clamp(min=1)", "keep.numel()"),
    ],
    ("losses", "losses/baselines/bsce.py"): [
        ("bsce-gradient", "the weight has a gradient", ".detach()", ""),
        ("bsce-power", "the weight is the squared distance to the power gamma",
         "brier ** (self.gamma / 2)", "brier**self.gamma"),
    ],
    ("losses", "losses/baselines/margin.py"): [
        ("margin-axis", "the margin penalty is divided by samples, not classes",
         "excess.sum(1) / logits.shape[1]", "excess.sum(1) / logits.shape[0]"),
    ],
    ("losses", "losses/baselines/symmetric.py"): [
        ("sce-clip", "symmetric cross-entropy ignores its clip", "eps=math.exp(clip)", "eps=1e-6"),
    ],
    ("losses", "losses/baselines/base.py"): [
        ("baseline-ignored", "ignored samples count in the baselines",
         "torch.where(keep, values, 0.0)", "torch.where(keep, values, values)"),
    ],
    ("losses", "losses/kernels.py"): [
        ("kernel-rescale", "the sums of an earlier block keep their old maximum",
         "s = s * rescale + e", "s = s + e"),
        ("kernel-shift", "the entropy's sum forgets that the maximum has moved",
         "t = (t + s * old) * rescale", "t = t * rescale"),
        ("kernel-ignored", "ignored samples count in the mean",
         "sample_weight = tl.where(ignored, 0.0, sample_weight)",
         "sample_weight = tl.where(ignored, 1.0, sample_weight)"),
        ("kernel-entropy-gradient", "the kernel's gradient of the entropy lacks the entropy",
         "grad_h * (tl.maximum(log_p, LOWEST_LOG) + tl.load(per_sample + AT_H * samples + row))",
         "grad_h * tl.maximum(log_p, LOWEST_LOG)"),
        ("kernel-mean", "the kernel's gradient of a mean is that of a sum",
         "tl.where(counted == 0, 0.0, grad / counted)", "grad"),
    ],
    ("losses", "losses/kernels_of_sums.py"): [
        ("kernel-coefficient", "the gradient of a learnt coefficient is not divided by the weights",
         "tl.where(counted == 0, 0.0, grad / counted)", "grad / samples"),
        ("kernel-base", "the gradient of a base has the other sign", "grad_base = -grad_term", "grad_base = grad_term"),
        ("kernel-order", "learnt and fixed coefficients change places in the kernels",
         "place = tl.load(order + term, mask=inside, other=0)", "place = term"),
    ],
    ("losses", "losses/launch.py"): [
        ("launch-few", "many samples are divided by nothing",
         "return totals[0] / (samples if soft else totals[1]), (per_sample,)",
         "return totals[0].clone(), (per_sample,)"),
    ],
    ("losses", "losses/plans.py"): [
        ("plan-dtype", "half logits get the kernel of whole ones",
         "return tensor.dtype, tensor.stride(0), aligned(tensor)", "return torch.float32, tensor.stride(0), True"),
    ],
    ("metrics", "metrics/training.py"): [
        ("training-sums-move", "the sums of training batches move when they are reset",
         "self.state, self.total, self.count = state.zero_(), total.zero_(), count.zero_()", "pass"),
    ],
    ("step", "step/guard.py"): [
        ("guard-forgets", "a good loss after a bad one is learnt from",
         "self.found.masked_fill_(~torch.isfinite(loss.detach()), 1.0)",
         "self.found.copy_((~torch.isfinite(loss.detach())).float())"),
        ("guard-buffers", "statistics that a bad batch has spoilt are kept",
         "buffers.copy_(torch.where(self.found > 0, before, buffers))", "pass"),
        ("guard-optimizer", "the optimizer is not told of a bad loss",
         "optimizer.found_inf = self.found", "optimizer.found = self.found"),
    ],
    ("step", "step/training.py"): [
        ("step-clip", "a captured step does not clip", "        self.clip()\n", ""),
        ("step-norm", "the norm is that of the clipped gradient",
         "        norm = gradient_norm(self.model.net)\n        self.clip()\n",
         "        self.clip()\n        norm = gradient_norm(self.model.net)\n"),
        ("step-scores", "a captured step does not count its batch", "if self.scores is not None:", "if False:"),
    ],
    ("step", "step/captured.py"): [
        ("capture-trace", "what is learnt while a step is captured stays",
         "step.guard.found.fill_(1.0)", "step.guard.found.fill_(0.0)"),
        ("capture-scores", "batches of a capture count", "tensor.copy_(before)", "pass"),
        ("capture-again", "a module that has changed is not captured again",
         "or not are_as_they_were(self._of_loss)", ""),
        ("capture-places", "a tensor that has been replaced is not noticed",
         " and self._places == places(self.step)", ""),
        ("capture-ahead", "callbacks that look ahead see the batch before",
         "if self.shows_ahead:", "if False:"),
        ("capture-fill", "a batch of a step that is let go is another one's",
         "self._show(self.step.data.training_batch(self.step.ids, self.step.epoch))", "pass"),
    ],
    ("step", "step/eligible.py"): [
        ("capture-accumulation", "steps are captured where gradients are accumulated",
         "trainer.accumulate_grad_batches > 1", "trainer.accumulate_grad_batches > 100"),
    ],
    ("optimizers", "optimizers.py"): [
        ("fused-against-wish", "optimizers that were told how to update are fused",
         'options["fused"] is None and', "True and"),
    ],
    ("callbacks", "callbacks/together.py"): [
        ("together-last", "the last of several callbacks is forgotten",
         "for hook in self._called[name]:", "for hook in self._called[name][:1]:"),
    ],
    ("callbacks", "callbacks/observe.py"): [
        ("row-at-checkpoint", "a row is on its way while a checkpoint notes the length of the log",
         "self._log()\n        return {", "return {"),
    ],
    ("metrics", "metrics/checks.py"): [
        ("ignored-kept", "ignored samples count", "return scores[keep], target[keep]", "return scores, target"),
    ],
    ("metrics", "metrics/binning.py"): [
        ("bin-edges", "bins are closed on the right", "edges, right=True", "edges, right=False"),
        ("top-label", "the predicted class is that of rounded probabilities",
         "predicted = logits.max(dim=1).indices", "predicted = probabilities(logits).max(dim=1).indices"),
    ],
    ("metrics", "metrics/calibration.py"): [
        ("debiased-df", "the debiased error divides by n, not n - 1",
         "(1 - accuracy) / (filled - 1)", "(1 - accuracy) / filled"),
    ],
    ("metrics", "metrics/binned.py"): [
        ("ece-reduction", "processes are averaged, not summed",
         'torch.zeros(3, bins, dtype=torch.float64), dist_reduce_fx="sum"',
         'torch.zeros(3, bins, dtype=torch.float64), dist_reduce_fx="mean"'),
    ],
    ("metrics", "metrics/means.py"): [
        ("mean-of-means", "a mean divides by batches, not by samples", "self.count += count", "self.count += 1"),
    ],
    ("metrics", "metrics/ood.py"): [
        ("auroc-ties", "tied scores count whole, not half", "kept - inside / 2", "kept"),
        ("fpr-boundary", "exactly 95 % kept is not enough", "len(score_in) >= 0.95", "len(score_in) > 0.95"),
        ("aupr-out-order", "AUPR out takes scores from the wrong end",
         "_average_precision(outside.flip(0), inside.flip(0))", "_average_precision(outside, inside)"),
    ],
    ("metrics", "metrics/temperature.py"): [
        ("temperature-scale", "the temperature is in units of the margin",
         "return scale * math.exp(-_root(derivatives, *span))", "return math.exp(-_root(derivatives, *span))"),
    ],
    ("metrics", "metrics/brier.py"): [
        ("brier-covariance", "the within-bin covariance counts once, not twice",
         "2 * (products - confidence * accuracy)", "(products - confidence * accuracy)"),
    ],
    ("metrics", "metrics/scores.py"): [
        ("entropy-infinite", "the entropy of a prediction with a logit of -inf is NaN",
         ".clamp(min=torch.finfo(log_p.dtype).min)", ""),
    ],
    ("metrics", "metrics/smooth.py"): [
        ("smooth-reflection", "confidences near 1 are smoothed beyond 1",
         "torch.cat([values, values.flip(0)])", "torch.cat([values, torch.zeros_like(values)])"),
        ("smooth-width", "the error of SmoothECE forgets that its width moves", " / (1 - slope)", ""),
    ],
    ("metrics", "metrics/ties.py"): [
        ("ties-order", "values stay behind when scores are sorted", "value[order].double()", "value.double()"),
    ],
    ("metrics", "metrics/selective.py"): [
        ("risk-boundary", "coverage at a risk leaves out what has exactly that risk",
         "errors / accepted <= risk", "errors / accepted < risk"),
    ],
    ("metrics", "metrics/summary.py"): [
        ("aurc-saturated", "AURC ranks by a confidence that saturates",
         '"aurc": aurc(certainty, correct)', '"aurc": aurc(confidence, correct)'),
    ],
    ("data", "data/sampling.py"): [
        ("rank-stride", "every process trains on the first one's samples",
         "batch[self.rank :: self.world_size]", "batch[:: self.world_size]"),
        ("same-order", "every epoch has the same order",
         'counter_generator(self.seed, self.epoch, "order")', 'counter_generator(self.seed, "order")'),
        ("resume-position", "the second interruption of an epoch goes back to its start",
         "self.sampler.position = self.sampler.start", "self.sampler.position = 0"),
        ("evaluation-share", "evaluation batches are cut by the smallest share",
         "-(-len(ids) // world_size)", "len(ids) // world_size"),
    ],
    ("data", "data/loaders.py"): [
        ("position-of-a-test", "a test run takes the next training to where its checkpoint was",
         'if self.trainer is None or self.trainer.state.fn == "fit":', "if True:"),
    ],
    ("data", "data/splits.py"): [
        ("split-share", "validation may take the whole of a rare class", "Fraction(h, 2 * w)", "Fraction(h, w)"),
        ("tail-of-a-class", "validation may take all of the class that a sorted file ends with",
         "if enough and torch.equal(", "if torch.equal("),
        ("digest-shape", "a fingerprint does not know shapes and dtypes",
         'state.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())', 'state.update(b"")'),
    ],
    ("data", "data/damage.py"): [
        ("noise-own-label", "label noise may draw the label that is there",
         "torch.randint(1, classes,", "torch.randint(0, classes,"),
        ("fraction-first", "a fraction takes the file's first samples",
         "of_class[place[of_class].argsort()[: wanted[k]]]", "of_class[: wanted[k]]"),
    ],
    ("data", "data/device.py"): [
        ("gpu-shared", "runs that share a GPU evaluate as if each were alone",
         "int(free / 2 / sharers() / (", "int(free / 2 / ("),
        ("gpu-full", "runs that share a GPU fill it with their samples", "free / 4 / sharers():", "free / 4:"),
    ],
    ("data", "data/kept.py"): [
        ("kept-stale", "what was kept is handed out when the file has changed",
         "found.st_mtime_ns, found.st_size", "0, 0"),
        ("kept-lent", "a keeper hands out what it keeps, to be written to", "copy.deepcopy(_kept[key])", "_kept[key]"),
    ],
    ("data", "data/store.py"): [
        ("fetch-lock", "each process has a lock of its own",
         'FileLock(root / f".{name}.lock")', 'FileLock(root / f".{name}.{os.getpid()}.lock")'),
        ("fetch-twice", "who waited for a download downloads again", "if not absent:", "if False:"),
    ],
    ("data", "data/evaluation_sets.py"): [
        ("shift-class-0", "a shifted set loses its first class", "place[targets] >= 0", "place[targets] > 0"),
        ("shift-partly", "a class fits where it shares one symbol", "symbols <= trained", "symbols & trained"),
    ],
    ("data", "data/images/sets/idx.py"): [
        ("idx-dtype", "the header's type of numbers is not looked at",
         "content[:4] != bytes((0, 0, code, ndim))", "content[3] != ndim"),
        ("idx-longer", "a file longer than its header says is taken",
         "len(content) != expected", "len(content) < expected"),
    ],
    ("data", "data/images/augment/warp.py"): [
        ("warp-order", "images are rotated after the perspective, not before",
         "_product(perspective, rotation_homography(angles, height, width))",
         "_product(rotation_homography(angles, height, width), perspective)"),
        ("warp-centre", "height and width are swapped in the centre of rotation",
         "angle.sin(), width / 2, height / 2", "angle.sin(), height / 2, width / 2"),
        ("warp-reach", "corners never move by the whole reach", "(reach + 1)).long()", "reach).long()"),
    ],
    ("data", "data/images/augment/flip_crop.py"): [
        ("flip-first", "a mirrored image is shifted the other way",
         "width - 1 - across, across) + right", "width - 1 - across - 2 * right, across) + right"),
        ("reflect-edge", "the border is mirrored with itself",
         "size - 1 - (size - 1 - places.abs()).abs()", "(places.abs() - (places < 0).long()).clamp(max=size - 1)"),
        ("crop-reach", "an image never moves down or right as far as it may",
         "torch.randint(-self.pad, self.pad + 1,", "torch.randint(-self.pad, self.pad + (self.pad == 0),"),
        ("cutout-side", "odd squares are a pixel too small",
         "along < top + self.cutout)", "along < top + self.cutout // 2 * 2)"),
    ],
    ("data", "data/images/augment/resized_crop.py"): [
        ("part-border", "what lies beside a part shines into it", "wide - 0.5)", "wide + 0.5)"),
        ("aspect-linear", "the aspect itself is uniform, not its logarithm",
         "uniform(-math.log(self.max_aspect), math.log(self.max_aspect)).exp()",
         "uniform(1 / self.max_aspect, self.max_aspect)"),
        ("area-side", "the side is uniform instead of the area", "width * uniform(self.min_area, 1)",
         "width * uniform(self.min_area**0.5, 1) ** 2"),
    ],
    ("data", "data/images/pipeline.py"): [
        ("normalise-order", "pixels are divided before the mean is taken off",
         "(image - self._scale[1]) / self._scale[2]", "image / self._scale[2] - self._scale[1]"),
        ("warp-stale", "every epoch warps as the first",
         "if epoch == self._epoch and", "if self._epoch is not None and"),
    ],
    ("data", "data/images/corruptions.py"): [
        ("severity-reversed", "severities run from strong to weak", "[name][severity - 1]", "[name][-severity]"),
        ("noise-shared", "every image gets the same noise",
         'counter_seed(self.seed, i, "noise")', 'counter_seed(self.seed, "noise")'),
        ("contrast-axis", "contrast is reduced around the batch's mean",
         "image.mean((1, 2, 3), keepdim=True)", "image.mean()"),
    ],
    ("data", "data/images/statistics.py"): [
        ("pixel-levels", "pixels run from 0 to 255 / 256", "dtype=torch.float64) / 255", "dtype=torch.float64) / 256"),
    ],
    ("data", "data/images/mix.py"): [
        ("mix-epoch", "a batch is mixed alike in every epoch",
         'counter_seed(seed, epoch, "mix")', 'counter_seed(seed, "mix")'),
    ],
    ("models", "models/vgg.py"): [
        ("spinal-halves", "layers of the spine see the wrong halves", "halves[layer % 2]", "halves[layer // 2]"),
        ("vgg-fan", "convolutions are initialised by fan in",
         "module.kernel_size[1] * module.out_channels", "module.kernel_size[1] * module.in_channels"),
    ],
    ("models", "models/simple.py"): [
        ("lenet-padding", "LeNet's first layer has no padding",
         "nn.Conv2d(in_channels, 6, 5, padding=2)", "nn.Conv2d(in_channels, 6, 5)"),
    ],
    ("models", "models/backbones.py"): [
        ("patch-boundary", "exactly 49 tokens are not enough", ">= _FEWEST_TOKENS", "> _FEWEST_TOKENS"),
    ],
    ("schedules", "schedules.py"): [
        ("cycle-end", "the rate falls to where it started, not to its end",
         "(end, (1 - progress)", "(start, (1 - progress)"),
        ("cycle-beyond", "steps after the last one raise the rate again",
         "min(step / max(total_steps, 1), 1.0)", "step / max(total_steps, 1)"),
    ],
    ("classifier", "classifier.py"): [
        ("loss-decay", "weight decay pulls at the loss's coefficients",
         '"lr": self.loss_lr, "weight_decay": 0.0', '"lr": self.loss_lr'),
        ("clip-all", "clipping counts the coefficients' gradient",
         "clip_grad_norm_(self.net.parameters(),", "clip_grad_norm_(self.parameters(),"),
    ],
    ("classifier", "preflight.py"): [
        ("mismatch-size", "weights of another shape and the same size fit",
         "expected[name].shape != found[name].shape", "expected[name].numel() != found[name].numel()"),
        ("frozen-thawed", "trying the network sets frozen layers to training",
         "module.training = training", "module.training = True"),
    ],
    ("callbacks", "callbacks/checkpoint.py"): [
        ("validation-late", "validation is expected one batch late",
         "return (batches + 1) % int(interval) == 0", "return batches % int(interval) == 0"),
        ("accumulation-early", "a checkpoint falls in the middle of accumulated gradients",
         "self._accumulating = (batch_idx + 1) % ", "self._accumulating = batch_idx % "),
    ],
    ("callbacks", "callbacks/best.py"): [
        ("best-newer", "a best checkpoint that is newer than the last keeps the score of the one before it",
         "step_of(best) != self._step", "False"),
        ("best-forgotten", "a resumed run forgets its best score", '"best_k_models": scores', '"best_k_models": {}'),
        ("best-raw", "the average is validated, the weights themselves are kept",
         "pl_module.load_state_dict(validated)", "pass"),
    ],
    ("callbacks", "callbacks/finite.py"): [
        ("infinite-loss", "an infinite loss goes on", "if not torch.isfinite(loss):", "if torch.isnan(loss):"),
        ("infinite-loss-late", "an infinite loss that is read late goes on",
         "if not math.isfinite(loss):", "if math.isnan(loss):"),
    ],
    ("callbacks", "callbacks/metrics.py"): [
        ("metrics-reset", "scores of an epoch hold all epochs before", "collection.reset()", "pass"),
        ("metrics-restored", "every process restores the sum over all processes",
         "torch.distributed.get_rank() > 0", "torch.distributed.get_rank() < 0"),
        ("loss-unweighted", "the logged loss is a mean over batches of any size",
         'torch.where(counted > 0, outputs["value"] * counted, 0.0), counted', 'outputs["value"], 1'),
    ],
    ("callbacks", "callbacks/reseed.py"): [
        ("dropout-rank", "all processes drop the same units", "batch_idx, trainer.global_rank)", "batch_idx)"),
    ],
    ("callbacks", "callbacks/plateau.py"): [
        ("plateau-tie", "as good as the best counts as better", "if value > self.best:", "if value >= self.best:"),
        ("plateau-power", "the rate is a square, not a cube",
         "generator=generator)) ** 3", "generator=generator)) ** 2"),
    ],
    ("callbacks", "callbacks/progress.py"): [
        ("progress-step", "schedules of the loss run a step ahead",
         "trainer.global_step / self._steps", "(trainer.global_step + 1) / self._steps"),
    ],
    ("callbacks", "callbacks/predictions.py"): [
        ("of-a-gpu", "a run of a GPU is validated on a GPU alone",
         'torch.load(trainer.ckpt_path, map_location="cpu", ', "torch.load(trainer.ckpt_path, "),
        ("average-evaluated", "the last average is evaluated in the place of the checkpoint",
         'if trainer.state.fn == "validate" and trainer.ckpt_path is not None:', "if False:"),
        ("predictions-kept", "test predictions begin with those of validation", "self._rows.clear()", "pass"),
    ],
    ("callbacks", "callbacks/throughput.py"): [
        ("one-process", "throughput counts one process", "len(batch.target) * trainer.world_size", "len(batch.target)"),
    ],
    ("callbacks", "callbacks/stop.py"): [
        ("signal-sum", "a signal that two processes receive is another signal", 'reduce_op="max"', 'reduce_op="sum"'),
        ("stop-at-once", "a signal ends training in the middle of a step",
         "self._training = True", "self._training = False"),
    ],
    ("callbacks", "callbacks/run_folder.py"): [
        ("rows-twice", "a resumed run logs the rows after its checkpoint twice",
         "self.log_file.cut(self._metrics_size)", "self.log_file.saved_size()"),
    ],
    ("files", "files.py"): [
        ("write-in-place", "files are written in place, not replaced",
         "part.replace(target)", "target.write_bytes(part.read_bytes())"),
        ("one-part", "two processes write one file through one part",
         "secrets.token_hex(8)", "'0' * 16"),
        ("through-links", "folders of a run may be links",
         '"a file", "a folder", "absent")', '"a file", "a folder", "absent", "a link")'),
    ],
    ("runs", "runs/checkpoints.py"): [
        ("no-previous", "the last checkpoint is deleted before the new one is in place",
         "target.replace(replaced)", "target.unlink()"),
        ("unsafe-load", "a checkpoint may run code when it is checked",
         'checkpoint = torch.load(path, map_location="meta", weights_only=True)',
         'checkpoint = torch.load(path, map_location="meta", weights_only=False)'),
        ("unchecked-records", "damage in a checkpoint of an earlier version is loaded",
         "not sealed and (damaged := archive.testzip())", "sealed and (damaged := archive.testzip())"),
    ],
    ("runs", "runs/predictions.py"): [
        ("prediction-order", "predictions are sorted by target",
         "order = ids.argsort()\n    with", "order = targets.argsort()\n    with"),
        ("logits-dtype", "whole numbers are taken for logits", "logits.dtype == np.float32 and ", ""),
    ],
    ("runs", "runs/folder.py"): [
        ("resume-previous", "a run resumes from the checkpoint before the last",
         '(self.checkpoint("last"), self.checkpoint("previous"))',
         '(self.checkpoint("previous"), self.checkpoint("last"))'),
        ("foreign-wandb", "a folder with W&B's files alone is not the run's own",
         '"summary.json", "wandb"}', '"summary.json"}'),
    ],
    ("runs", "runs/summary.py"): [
        ("edited-summary", "a summary that was edited is read",
         "if checksums and checksums.get(run.summary.name) != _checksum(rest):", "if False:"),
        ("changed-record", "a file that was changed after the summary is read",
         "        if found != checksum:", "        if False:"),
    ],
    ("runs", "runs/reading.py"): [
        ("bomb", "an archive is inflated whatever it says of its size",
         "if size > max(path.stat().st_size, _INFLATED_BYTES):", "if False:"),
        ("long-header", "an array is allocated whatever its header says",
         "if promised != member.file_size - file.tell():", "if False:"),
    ],
    ("runs", "runs/lease.py"): [
        ("lease-unlocked", "a lease is taken without the lock",
         "with FileLock(self._lock):", "with suppress(OSError):"),
        ("lease-pid-reused", "a process with the same id holds a dead one's lease",
         "return started == holder.started", "return started is not None"),
        ("lease-clocks", "clocks of two machines are compared",
         "return now - since > EXPIRES_AFTER", "return time.time() - renewal > EXPIRES_AFTER"),
    ],
    ("runs", "runs/experiment.py"): [
        ("hash-order", "the hash of an experiment depends on the order of keys",
         "json.dumps(value, sort_keys=True", "json.dumps(value, sort_keys=False"),
        ("other-seed", "a run goes on under another seed",
         "return _is_under(key, _FREE)", "return _is_under(key, (*_FREE, *_SEEDS))"),
        ("data-uncounted", "runs on other training data are seeds of one arm",
         'data.get("train") if isinstance(data, Mapping)', "None if isinstance(data, Mapping)"),
    ],
    ("runs", "runs/history.py"): [
        ("lost-start", "a start of which nothing is left counts", 'if start["step"] < end:', "if True:"),
    ],
    ("runs", "runs/scoring.py"): [
        ("temperature-tie", "a temperature is fitted where none is too small",
         "logits.gather(1, targets[:, None])[:, 0] == logits.amax(1)", "logits.argmax(1) == targets"),
        ("scaled-inverse", "logits are multiplied by the temperature",
         "logits.double() / temperature, targets, bins", "logits.double() * temperature, targets, bins"),
        ("scaled-inside", "only the test set is scaled against other classes",
         "[logits, logits.double() / temperature]", "[logits, logits.double()]"),
    ],
    ("loggers", "loggers/csv.py"): [
        ("csv-digits", "logged values are rounded", "repr(float(value))", 'f"{float(value):.6g}"'),
        ("csv-uncut", "rows after the checkpoint are never cut", "if len(kept) < len(content):", "if False:"),
        ("csv-glued", "half a row stays, and the next is glued to it",
         'content[: content.rfind(b"\\n") + 1] or _HEADER', "content"),
    ],
    ("loggers", "loggers/wandb.py"): [
        ("wandb-id", "a resumed run is a new one in W&B", "init_args.id = run.id", "init_args.id = None"),
        ("wandb-lost", "one trouble ends the logging to W&B",
         "self.lost = isinstance(error, ConnectionError)", "self.lost = True"),
    ],
    ("cli", "cli/options.py"): [
        ("shorthand-position", "the shorthand of a loss overwrites the option's name",
         "[(i + 1, value) for i, (word, value)", "[(i, value) for i, (word, value)"),
    ],
    ("cli", "cli/early.py"): [
        ("collects-never", "nothing is collected from the start to the end of the process",
         "        gc.freeze()\n        gc.enable()", "        gc.freeze()"),
        ("wandb-loud", "W&B's own process is started with its messages on",
         "show_info=False, show_warnings=False", "show_info=True, show_warnings=True"),
    ],
    ("cli", "cli/resolve.py"): [
        ("precision-given", "a precision given on resuming is ignored",
         "trainer.precision or stored.trainer.precision", "stored.trainer.precision"),
    ],
    ("cli", "cli/unfit.py"): [
        ("validation-last", "a validation after the last epoch counts as none",
         "< (trainer.check_val_every_n_epoch or 1)", "<= (trainer.check_val_every_n_epoch or 1)"),
    ],
    ("cli", "__main__.py"): [
        ("exit-code", "every error ends with 1, also what only has to be started again",
         "return error.exit_code", "return 1"),
    ],
    ("cli", "cli/resume.py"): [
        ("stale-scores", "scores of an earlier checkpoint stay in the summary",
         "    return history", "    return {**summary, **history}"),
    ],
    ("cli", "cli/session.py"): [
        ("wall-seconds", "a resumed run forgets the seconds before",
         'wall_seconds = self.summary.get("wall_seconds", 0.0)', "wall_seconds = 0.0"),
    ],
    ("export", "export.py"): [
        ("export-raw", "the exported file does not normalise",
         "self.net(normalise(input, self.data))", "self.net(input.float())"),
    ],
    ("inference", "inference/predictions.py"): [
        ("predict-temperature", "the confidence at T is sharpened",
         ".double() / self.temperature", ".double() * self.temperature"),
    ],
    ("cluster", "cluster.py"): [
        ("slurm-devices", "each node is said to have the devices of all",
         "Launch(tasks // nodes, nodes)", "Launch(tasks, nodes)"),
    ],
    ("compare", "compare/stats/intervals.py"): [
        ("deviation-observed", "a deviation that is too small more often than too large passes for its median",
         "return sd * math.sqrt((n - 1) / float(chdtri(n - 1, 0.5)))", "return sd"),
        ("interval-df", "intervals have n degrees of freedom, not n - 1",
         "interval(mean, error, n - 1, 1.0, level)", "interval(mean, error, n, 1.0, level)"),
    ],
    ("compare", "compare/stats/verdict.py"): [
        ("family-alone", "each comparison is made as if it were the only one",
         "_estimates(pair, 1 - alpha / family)", "_estimates(pair, 1 - alpha)"),
    ],
    ("compare", "compare/stats/spending.py"): [
        ("spending-even", "the first look may use up all", "math.sqrt(min(fraction, 1.0))", "1.0"),
    ],
    ("compare", "compare/stats/unpaired.py"): [
        ("welch-df", "unpaired seeds have more degrees of freedom",
         "of_a**2 / (a - 1) + of_b**2 / (b - 1)", "of_a**2 / a + of_b**2 / b"),
        ("overlap-correlation", "seeds that both have are as good as any",
         " - 2 * together * shared / (len(a) * len(b))", ""),
        ("overlap-images", "what two runs of one seed have in common counts for all seeds",
         "(all_pairs - of_one_seed) / (len(ours) * len(theirs) - shared)", "all_pairs / (len(ours) * len(theirs))"),
    ],
    ("compare", "compare/stats/bounded.py"): [
        ("bound-quantile", "few seeds are taken for many in intervals of what has bounds",
         "critical_value(1 - level, estimate.n - 1, estimate.share)", "critical_value(1 - level, estimate.n - 1, 0.0)"),
        ("bound-percent", "percent are taken for shares", "(estimate.standard_error / upper) ** 2",
         "estimate.standard_error**2"),
    ],
    ("compare", "compare/measures.py"): [
        ("calibration-sign", "calibration is what T adds, not what it takes away",
         "_less(found[key], scaled[key])", "_less(scaled[key], found[key])"),
    ],
    ("compare", "compare/looks.py"): [
        ("looks-free", "earlier looks cost nothing", "sum(each.alpha for each in before)", "0.0"),
        ("looks-arms", "a look at other arms of the study is none of its looks",
         "return asked and not set(self.arms).isdisjoint(other.arms)", "return asked and self.arms == other.arms"),
        ("looks-fewest", "seeds of one arm alone are no new look",
         "seeds = [seeds_of[arm] for arm in arms]", "seeds = [min(seeds_of.values(), key=len) for arm in arms]"),
    ],
    ("compare", "compare/collapse.py"): [
        ("collapse-chance", "a run that guesses has learnt something", "share + _ERRORS *", "share - _ERRORS *"),
        ("collapse-frequent", "who finds half of the rare samples has collapsed",
         "and there[given.argmax()] < given.max() / 2", ""),
    ],
    ("compare", "compare/failures.py"): [
        ("failed-forgotten", "runs that did not finish are not counted", "if of_arm:", "if False:"),
    ],
    ("compare", "compare/stats/jackknife.py"): [
        ("jackknife-factor", "the jackknife's factor is upside down", "np.sqrt((n - 1) / n)", "np.sqrt(n / (n - 1))"),
    ],
    ("compare", "compare/stats/hierarchical.py"): [
        ("covariance-own", "an image's variance within a seed counts as shared",
         "together @ together - alone", "together @ together"),
    ],
    ("compare", "compare/stats/power.py"): [
        ("power-mixture", "the bound takes t for the images, too",
         "t * seeds + z * image_variance", "t * seeds + t * image_variance"),
        ("seeds-one-fewer", "one seed fewer than needed is asked for",
         "range(low + 1, low + step + 1)", "range(low, low + step)"),
    ],
    ("compare", "compare/stats/comparison.py"): [
        ("lower-is-better", "a higher NLL is better",
         '"better" if (low > 0) == self.higher_is_better', '"better" if low > 0'),
        ("seeds-uncorrected", "the seeds needed forget the other comparisons",
         "seeds_needed(difference, sd, self._image_variance, self.alpha / self.family)",
         "seeds_needed(difference, sd, self._image_variance, self.alpha)"),
    ],
    ("compare", "compare/arrays.py"): [
        ("arrays-at-once", "runs that did not finish are left out of arrays without a word",
         "failures.setdefault(arm, []).append(Failure(run, seed, \"unfinished\", {}))", "pass"),
    ],
    ("compare", "compare/analysis.py"): [
        ("pairs-uncorrected", "of all pairs those with the baseline alone are corrected",
         "len(by_seed[other])) > 1 for label, other in contrasts)",
         "len(by_seed[other])) > 1 for label, other in contrasts if other == chosen)"),
    ],
    ("compare", "compare/pairing.py"): [
        ("pairs-by-position", "runs are paired by position, not by seed",
         "[*both, *sorted(theirs.keys() - both)]", "sorted(theirs.keys())"),
    ],
    ("compare", "compare/study.py"): [
        ("seed-by-name", "of two runs of a seed the last by name counts, not the first",
         "key=lambda result: str(result.run.path))", "key=lambda result: str(result.run.path), reverse=True)"),
    ],
    ("compare", "compare/comparable.py"): [
        ("labels-unchecked", "runs tested against other labels are compared",
         'tobytes() for key in ("ids", "targets")', 'tobytes() for key in ("ids",)'),
    ],
    ("compare", "compare/dynamics.py"): [
        ("epochs-off-by-one", "epochs to an accuracy are a step short", "s[there[0]] + 1", "s[there[0]]"),
    ],
    ("compare", "compare/stats/aggregate.py"): [
        ("rank-direction", "the worst arm has rank 1", "stats.rankdata(-sign * means", "stats.rankdata(sign * means"),
        ("ties-lost", "a tie counts as lost", "(1 + found.mean((-2, -1))) / 2", "(found > 0).mean((-2, -1))"),
    ],
    ("compare", "compare/stats/resampling.py"): [
        ("stratum-mixed", "one seed is drawn for all data sets",
         "column[rng.integers(", "column[np.random.default_rng(0).integers("),
    ],
    ("compare", "compare/stats/profile.py"): [
        ("profile-direction", "a profile of losses counts the worse runs",
         "(pooled > sign * threshold)", "(pooled > threshold)"),
    ],
    ("compare", "compare/overall.py"): [
        ("guessing-unit", "NLL over data sets is in nats",
         "factors = [100 / value for", "factors = [1 + 0 * value for"),
        ("settings-alike", "arms of other settings are one over all data sets",
         "if _is_kept(key)}", 'if key.startswith("model.loss.")}'),
        ("damage-alike", "damages of the data are no part of an arm over all data sets",
         ' or key.startswith(_KEPT)', ""),
        ("data-alike", "one of two arms of other data is left out", "if key in found:", "if False:"),
    ],
    ("sweep", "sweep/checks.py"): [
        ("trial-value", "a trial may have any value", "if not _is_within(value, sweep.parameters[key]):", "if False:"),
        ("trial-waiting", "a trial that waits may have any parameter", "{**waiting, **trial.params}", "trial.params"),
        ("trial-place", "a trial's run may lie anywhere", "not is_name(run)", "not run"),
    ],
    ("text", "text.py"): [
        ("text-escape", "control characters reach the terminal", "{\"Cc\", \"Cf\",", "{\"Cf\","),
        ("text-formula", "the name of a class is a formula in a picture", '.replace("$", r"\\$")', ""),
    ],
    ("trust", "trust.py"): [
        ("trust-modules", "what a module of ours imports may be named",
         r"data|schedules)\.[A-Z]\w*", r"data|schedules)\.[\w.]+"),
        ("trust-files", "the config of a run may name a file", "key != _ROOT and _is_file(text, path.parent)", "False"),
        ("trust-texts", "a config in a text is no config", " or _CONFIG.search(text)", ""),
    ],
    ("sweep", "sweep/board.py"): [
        ("board-outlived", "a run that outlives its worker is started again",
         "self._watch.is_stale(self.run(trial).lease)", "True"),
        ("board-ended", "a trial that ends while another worker looks is taken again",
         "if trial.state == TrialState.RUNNING and trial.number in unheld", "if trial.number in unheld"),
        ("retry-again", "what was retried is retried once more",
         "trial.state == TrialState.FAIL and trial.number not in retried", "trial.state == TrialState.FAIL"),
        ("grid-part", "a grid that was written in part stays so", "if number not in there:", "if not there:"),
    ],
    ("sweep", "sweep/space.py"): [
        ("draws-alike", "every random trial draws the same values",
         "RandomSampler(seed=sweep.seed + number)", "RandomSampler(seed=sweep.seed)"),
    ],
    ("sweep", "sweep/storage.py"): [
        ("board-lock", "each worker has a lock of its own",
         'FileLock(folder / ".lock")', 'FileLock(folder / f".lock-{os.urandom(4).hex()}")'),
    ],
    ("sweep", "sweep/training.py"): [
        ("half-row", "half a row of metrics breaks the worker", "if len(row) == 4]", "if row]"),
    ],
    ("sweep", "sweep/worker.py"): [
        ("half-finished", "a run with any summary counts as finished",
         'read_summary(self.board.run(trial)).get("finished")', "read_summary(self.board.run(trial))"),
        ("trials-left", "an error leaves the other trials running",
         "training.process.send_signal(signum)", "pass"),
    ],
    ("sweep", "sweep/places.py"): [
        ("cores-shared", "every trial may run on every core",
         "frozenset(own or [cpus[number % len(cpus)]])", "frozenset(cpus)"),
        ("threads-each", "every trial has as many threads as one alone", "len(cpus)) // workers)", "len(cpus)))"),
    ],
    ("sweep", "sweep/warm.py"): [
        ("fork-interrupted", "Ctrl-C reaches a trial before its worker tells it to stop",
         "signal.signal(signal.SIGINT, signal.SIG_IGN)", "signal.signal(signal.SIGINT, signal.default_int_handler)"),
        ("fork-threads", "a forked trial computes on one thread",
         "torch.set_num_threads(int(granted) if granted.isdecimal() else threads)", "torch.set_num_threads(1)"),
    ],
    ("sweep", "sweep/confirm.py"): [
        ("confirm-seeds", "a confirmation trains a seed that the sweep has tried",
         "max(seeds_of(board)) + 1", "max(seeds_of(board))"),
        ("confirm-itself", "the baseline is confirmed against itself", "if cell.arm != arm", "if True"),
        ("confirm-options", "the baseline gets the options of another loss",
         "kept = _without_loss(options)", "kept = options"),
        ("confirm-plan", "a plan for other seeds is kept for a confirmation",
         "replace(plan, baseline=name, seeds=seeds, arms=2)", "replace(plan, baseline=name, arms=2)"),
    ],
    ("sweep", "sweep/cells.py"): [
        ("cells-unfinished", "a cell may be the best for a seed that failed", "if len(trials) >= needed", "if trials"),
        ("cells-direction", "the best cell is the one with the largest loss",
         'reverse=board.sweep.goal == "maximize"', "reverse=True"),
    ],
    ("sweep", "sweep/config.py"): [
        ("goal", "a calibration error is made as large as it can be",
         '"maximize" if self.metric in _LARGEST else "minimize"', '"maximize"'),
        ("prune-blind", "trials are to be pruned by what no validation knows",
         "self.prune is not None and self.metric not in _LOGGED", "False"),
    ],
    ("sweep", "sweep/report.py"): [
        ("search-tested", "the trials of a search are compared on test",
         "if compare is not None and sweep.has_arms:", "if compare is not None:"),
        ("retried-listed", "a trial that was retried is listed as failed, too",
         "!= TrialState.COMPLETE and trial.number not in retried", "!= TrialState.COMPLETE"),
    ],
}
# fmt: on
FAULTS = [Fault(room, file, *row) for (room, file), rows in _ROWS.items() for row in rows]
