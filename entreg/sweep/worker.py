"""A worker: takes trials from the board and trains each in a process of its own, until none is left."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import optuna
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState

from entreg.cluster import STOP_SIGNALS, requeued
from entreg.console import let_go_of_terminal
from entreg.errors import Cancelled, ConfigError, Interrupted, RunError
from entreg.runs import Run, read_summary
from entreg.sweep.board import Board
from entreg.sweep.checks import no_link
from entreg.sweep.places import Place
from entreg.sweep.progress import Display
from entreg.sweep.space import arguments, described
from entreg.sweep.starters import Starter
from entreg.sweep.training import Training

DEATHS = 10  # of a trial's process before it counts as failed
FAILURES = 3  # trials in a row before a worker gives up: the reason is likely to lie outside them
POLL = 1.0  # seconds between two looks at the running trials, and at the board while others work


class Worker:
    """Works on a sweep, at one place or more at once.

    Args:
        board: of the sweep.
        extra: options of ``entreg fit`` of this worker alone, such as the place of the data or the devices.
        display: shows what happens.
        starter: starts the processes of the trials.
        places: each takes one trial at a time.
    """

    def __init__(
        self,
        board: Board,
        extra: Sequence[str],
        display: Display,
        starter: Starter,
        places: Sequence[Place] = (Place(),),
    ) -> None:
        self.board = board
        self.extra = list(extra)
        self.display = display
        self.starter = starter
        self._at: list[tuple[Place, Training | None]] = [(place, None) for place in places]
        self._signal: int | None = None
        self._failures = 0

    def work(self) -> None:
        """Train until all trials of the sweep have ended, those of other workers included.

        Raises:
            ConfigError: if no trial has been completed yet and one cannot be configured.
            RunError: if several trials in a row fail, the study cannot be written, or no process can be started.
            Interrupted: on a signal, when the trials at hand have been saved.
            Cancelled: on Ctrl-C, likewise.
        """
        try:
            if not self.board.is_done:
                with self._listening(), self.display, self.starter:
                    self._train()
        except (OSError, StorageInternalError) as error:
            raise RunError(f"{self.board.folder}: the study cannot be written ({error}); then start again") from error

    @property
    def _running(self) -> list[Training]:
        return [training for _, training in self._at if training is not None]

    def _train(self) -> None:
        """Keep every place busy; whatever ends this, no process is left behind."""
        try:
            while self._signal is None and not self.board.is_done:
                self._fill()
                self.display.show(self._running)
                self.starter.wait(POLL)
                self._look()
        finally:
            self._stop()
        if self._signal is not None:
            again = requeued(self._signal)
            who = f"{again}, which" if again else "the same command"
            error = Cancelled if self._signal == signal.SIGINT else Interrupted
            raise error(f"stopped by {signal.Signals(self._signal).name}; {who} goes on with the sweep")

    def _fill(self) -> None:
        """Take a trial for every place that is free, as long as there are any."""
        for number, (place, training) in enumerate(self._at):
            if training is None:
                self._at[number] = (place, self._take(place))

    def _take(self, place: Place) -> Training | None:
        """Take the next trial that has to be trained, if there is one and nobody tells us to stop."""
        while self._signal is None:
            with ExitStack() as held:
                trial = held.enter_context(self.board.take())
                if trial is None:
                    return None
                if self._is_to_be_trained(trial):
                    return self._start(trial, place, held.pop_all())
        return None

    def _is_to_be_trained(self, trial: optuna.Trial) -> bool:
        """Settle a trial that was finished or has died too often."""
        deaths = trial.user_attrs.get("deaths", 0)
        if read_summary(self.board.run(trial)).get("finished"):  # its worker died before it could report the value
            self._tell(trial)
        elif deaths >= DEATHS:
            self._fail(trial, f"its process died {deaths} times")
        else:
            return True
        return False

    def _start(self, trial: optuna.Trial, place: Place, held: ExitStack) -> Training:
        with held:  # let go of the trial if it cannot be started
            attempt, run = trial.user_attrs["attempts"], self.board.run(trial)
            again = f", attempt {attempt}" if attempt > 1 else ""
            self.display.say(f"trial {trial.number} of {self.board.total}{again}: {described(trial.params)}")
            log = no_link(self.board.folder / "logs" / f"{trial.number}.log")
            log.parent.mkdir(exist_ok=True)
            reported = len(self.board.trials[trial.number].intermediate_values)
            logged = log.stat().st_size if log.is_file() else 0
            process = self.starter.start(self._words(trial, run), place, log)
            return Training(trial, run, process, log, self.board.sweep.metric, held.pop_all(), reported, logged)

    def _words(self, trial: optuna.Trial, run: Run) -> list[str]:
        name, _, run_id = run.path.name.rpartition("-")
        place = ["--name", name, "--id", run_id, "--runs", str(run.path.parent)]
        quiet = ["--trainer.enable_progress_bar", "false"]
        # Unless the sweep says otherwise: nobody looks at the pictures of each trial, or trains a finished one on.
        sparing = ["--figures", "false", "--checkpoint.keep", "best"]
        return ["fit", *sparing, *arguments(self.board.sweep, trial.params), *place, *quiet, *self.extra]

    def _look(self) -> None:
        """Report what the trials have logged, and how those that have ended did."""
        for number, (place, training) in enumerate(self._at):
            if training is None:
                continue
            code = training.process.poll()
            if not training.lost and not self.board.is_ours(training.trial):
                training.lost = True
                self._leave(training)
            if code is None and not training.lost:
                training.report()
            elif code is not None and self._signal is None:  # else it is taken up again, or found finished
                self._at[number] = (place, None)
                with training.held:
                    if not training.lost:
                        self._end(training, code)

    def _leave(self, training: Training) -> None:
        """Stop a trial that another worker has taken over, and leave it to tell of."""
        self.display.say(f"trial {training.trial.number}: another worker goes on with it, as this one had stood still")
        if training.process.poll() is None:
            training.process.send_signal(signal.SIGTERM)

    def _end(self, training: Training, code: int) -> None:
        trial = training.trial
        if training.pruned and code != 0:  # else it was done before it heard of it
            self.board.study.tell(trial, state=TrialState.PRUNED)
            self.display.say(f"trial {trial.number} pruned")
        elif code == 0:
            self._tell(trial)
        elif code == 2 and not any(t.state == TrialState.COMPLETE for t in self.board.trials):
            # It stays unfinished, to be taken up once the config is mended.
            raise ConfigError(f"trial {trial.number}: {training.last_line()}")
        elif code in (1, 2):
            self._fail(trial, training.last_line())
        elif code != Interrupted.exit_code:  # killed, as by the system when memory is short
            trial.set_user_attr("deaths", trial.user_attrs.get("deaths", 0) + 1)
        # A trial whose end is not reported is taken up again, by this worker or another.

    def _tell(self, trial: optuna.Trial) -> None:
        run = self.board.run(trial)
        scores = read_summary(run).get("val", {})
        key = self.board.sweep.metric.removeprefix("val/")
        if key not in scores:
            raise RunError(f"{run.path}: summary.json has no {self.board.sweep.metric}; delete it to train it again")
        self._failures = 0
        self.board.study.tell(trial, scores[key], skip_if_finished=True)
        self.display.say(f"trial {trial.number}: {self.board.sweep.metric} {scores[key]:.5g}  {run.path}")

    def _fail(self, trial: optuna.Trial, reason: str) -> None:
        trial.set_user_attr("error", reason)
        self.board.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
        self.display.say(f"trial {trial.number} failed: {reason}")
        self._failures += 1
        if self._failures == FAILURES:
            raise RunError(f"{FAILURES} trials in a row failed, the last: {reason}; mend it, then add --retry true")

    def _stop(self) -> None:
        """Have the running trials save themselves and end, and let go of them."""
        signum = signal.SIGUSR1 if self._signal == signal.SIGUSR1 else signal.SIGTERM
        with ExitStack() as held:
            for training in self._running:
                held.push(training.held)
            for training in self._running:
                training.process.send_signal(signum)
            while any(training.process.poll() is None for training in self._running):
                self.starter.wait(POLL)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Note the signals that end the work, instead of ending at once."""
        heard = [signum for signum in STOP_SIGNALS if signal.getsignal(signum) is not signal.SIG_IGN]  # as under nohup
        handlers = {signum: signal.signal(signum, self._receive) for signum in heard}
        try:
            yield
        finally:
            for signum, handler in handlers.items():
                signal.signal(signum, handler)

    def _receive(self, signum: int, frame: object) -> None:
        if signum == signal.SIGHUP:
            let_go_of_terminal()
        self._signal = signum
