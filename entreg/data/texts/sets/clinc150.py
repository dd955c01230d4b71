"""CLINC150: questions to an assistant, with questions that are out of its scope."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch

from entreg.data.texts.module import Labelled
from entreg.data.texts.sets.published import PublishedTexts
from entreg.errors import DataError


class CLINC150(PublishedTexts):
    """Questions to an assistant in 150 intents (Larson et al., EMNLP 2019, aclanthology.org/D19-1131; CC BY 3.0).

    15,000 of training, 3,000 of validation, which are kept as such, and 4,500 of test. Its 1,000 test questions out of
    scope, of none of the intents, are the set ``clinc150-oos``, which ``ood`` names where nothing else is said.

    Reads ``<root>/CLINC150/data_full.json`` as it was published: lists of ``[text, intent]`` under ``train``, ``val``,
    ``test``, ``oos_train``, ``oos_val`` and ``oos_test``.

    Args:
        out_of_scope: be the questions out of scope, a set of one class to evaluate on.
        ood: sets of other classes to evaluate on.
        kwargs: arguments of :class:`entreg.data.TextDataModule`.

    Raises:
        ConfigError: if a package is not installed.
        DataError: if the file is absent and cannot be downloaded, or is damaged, or the encoder is not here.
    """

    # fmt: off
    intents = (
        "accept_reservations", "account_blocked", "alarm", "application_status", "apr", "are_you_a_bot",
        "balance", "bill_balance", "bill_due", "book_flight", "book_hotel", "calculator", "calendar",
        "calendar_update", "calories", "cancel", "cancel_reservation", "car_rental", "card_declined",
        "carry_on", "change_accent", "change_ai_name", "change_language", "change_speed", "change_user_name",
        "change_volume", "confirm_reservation", "cook_time", "credit_limit", "credit_limit_change",
        "credit_score", "current_location", "damaged_card", "date", "definition", "direct_deposit",
        "directions", "distance", "do_you_have_pets", "exchange_rate", "expiration_date", "find_phone",
        "flight_status", "flip_coin", "food_last", "freeze_account", "fun_fact", "gas", "gas_type", "goodbye",
        "greeting", "how_busy", "how_old_are_you", "improve_credit_score", "income", "ingredient_substitution",
        "ingredients_list", "insurance", "insurance_change", "interest_rate", "international_fees",
        "international_visa", "jump_start", "last_maintenance", "lost_luggage", "make_call", "maybe",
        "meal_suggestion", "meaning_of_life", "measurement_conversion", "meeting_schedule", "min_payment",
        "mpg", "new_card", "next_holiday", "next_song", "no", "nutrition_info", "oil_change_how",
        "oil_change_when", "order", "order_checks", "order_status", "pay_bill", "payday", "pin_change",
        "play_music", "plug_type", "pto_balance", "pto_request", "pto_request_status", "pto_used", "recipe",
        "redeem_rewards", "reminder", "reminder_update", "repeat", "replacement_card_duration", "report_fraud",
        "report_lost_card", "reset_settings", "restaurant_reservation", "restaurant_reviews",
        "restaurant_suggestion", "rewards_balance", "roll_dice", "rollover_401k", "routing",
        "schedule_maintenance", "schedule_meeting", "share_location", "shopping_list", "shopping_list_update",
        "smart_home", "spelling", "spending_history", "sync_device", "taxes", "tell_joke", "text", "thank_you",
        "time", "timer", "timezone", "tire_change", "tire_pressure", "todo_list", "todo_list_update", "traffic",
        "transactions", "transfer", "translate", "travel_alert", "travel_notification", "travel_suggestion",
        "uber", "update_playlist", "user_name", "vaccines", "w2", "weather", "what_are_your_hobbies",
        "what_can_i_ask_you", "what_is_your_name", "what_song", "where_are_you_from", "whisper_mode",
        "who_do_you_work_for", "who_made_you", "yes",
    )
    # fmt: on
    url = "https://raw.githubusercontent.com/clinc/oos-eval/master/data"
    published = {"data_full.json": "30c29dc6ab78edf3b5dfa640be204cde"}  # noqa: RUF012 - as in the base
    file_names = ("data_full.json", "data_full.json")

    def __init__(self, out_of_scope: bool = False, ood: Sequence[str] = ("clinc150-oos",), **kwargs: Any) -> None:
        super().__init__(ood=ood, **kwargs)
        self.classes = ("oos",) if out_of_scope else self.intents
        self._lists = ("oos_train", "oos_val", "oos_test") if out_of_scope else ("train", "val", "test")

    @property
    def own_validation(self) -> int:
        """Number of questions that were published as validation."""
        return len(self._content[self._lists[1]])

    def read(self, train: bool) -> Labelled:
        """Return questions and intents of training, those of validation at the end, or of test."""
        lists = self._lists[:2] if train else self._lists[2:]
        pairs = [pair for name in lists for pair in self._content[name]]
        place = {intent: k for k, intent in enumerate(self.classes)}
        unknown = next((intent for _, intent in pairs if intent not in place), None)
        if unknown is not None:
            raise DataError(f"{self.path(train)}: holds the intent {unknown!r}, which CLINC150 has not; fetch it again")
        return Labelled([text for text, _ in pairs], torch.tensor([place[intent] for _, intent in pairs]))

    @cached_property
    def _content(self) -> dict[str, list[tuple[str, str]]]:
        path = self.path(train=True)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return {name: [(str(text), str(intent)) for text, intent in content[name]] for name in self._lists}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: is not the file that was published ({error}); fetch it again") from error
