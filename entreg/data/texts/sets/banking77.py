"""BANKING77: questions to a bank."""

from __future__ import annotations

from entreg.data.texts.module import Labelled
from entreg.data.texts.read import text_column
from entreg.data.texts.sets.published import PublishedTexts
from entreg.data.vectors.labels import targets_of
from entreg.data.vectors.tables import Part, column, read_columns


class BANKING77(PublishedTexts):
    """Questions to a bank in 77 intents of uneven size (Casanueva et al. 2020, arXiv 2003.04807; CC BY 4.0).

    10,003 of training, from which validation is drawn, and 3,080 of test, 40 an intent. Reads
    ``<root>/BANKING77/train.csv`` and ``test.csv`` as they were published, with the columns ``text`` and ``category``.

    Args:
        kwargs: arguments of :class:`entreg.data.TextDataModule`.

    Raises:
        ConfigError: if a package is not installed.
        DataError: if a file is absent and cannot be downloaded, or is damaged, or the encoder is not here.
    """

    # fmt: off
    classes = (
        "Refund_not_showing_up", "activate_my_card", "age_limit", "apple_pay_or_google_pay", "atm_support",
        "automatic_top_up", "balance_not_updated_after_bank_transfer",
        "balance_not_updated_after_cheque_or_cash_deposit", "beneficiary_not_allowed", "cancel_transfer",
        "card_about_to_expire", "card_acceptance", "card_arrival", "card_delivery_estimate", "card_linking",
        "card_not_working", "card_payment_fee_charged", "card_payment_not_recognised",
        "card_payment_wrong_exchange_rate", "card_swallowed", "cash_withdrawal_charge",
        "cash_withdrawal_not_recognised", "change_pin", "compromised_card", "contactless_not_working",
        "country_support", "declined_card_payment", "declined_cash_withdrawal", "declined_transfer",
        "direct_debit_payment_not_recognised", "disposable_card_limits", "edit_personal_details",
        "exchange_charge", "exchange_rate", "exchange_via_app", "extra_charge_on_statement", "failed_transfer",
        "fiat_currency_support", "get_disposable_virtual_card", "get_physical_card", "getting_spare_card",
        "getting_virtual_card", "lost_or_stolen_card", "lost_or_stolen_phone", "order_physical_card",
        "passcode_forgotten", "pending_card_payment", "pending_cash_withdrawal", "pending_top_up",
        "pending_transfer", "pin_blocked", "receiving_money", "request_refund", "reverted_card_payment?",
        "supported_cards_and_currencies", "terminate_account", "top_up_by_bank_transfer_charge",
        "top_up_by_card_charge", "top_up_by_cash_or_cheque", "top_up_failed", "top_up_limits",
        "top_up_reverted", "topping_up_by_card", "transaction_charged_twice", "transfer_fee_charged",
        "transfer_into_account", "transfer_not_received_by_recipient", "transfer_timing",
        "unable_to_verify_identity", "verify_my_identity", "verify_source_of_funds", "verify_top_up",
        "virtual_card_not_working", "visa_or_mastercard", "why_verify_identity",
        "wrong_amount_of_cash_received", "wrong_exchange_rate_for_cash_withdrawal",
    )
    # fmt: on
    url = "https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/master/banking_data"
    published = {  # noqa: RUF012 - as in the base
        "train.csv": "cec64185f4197906aabce0781ef9a19b",
        "test.csv": "8dcd9dc31b686c75ec1f24bf23c140cb",
    }
    file_names = ("train.csv", "test.csv")

    def read(self, train: bool) -> Labelled:
        """Return questions and intents of the training or the test file."""
        path = self.path(train)
        part = Part(str(path), read_columns(path, as_text=True))
        intents = column(part, "category", "take the file as it was published")
        return Labelled(text_column(part, "text"), targets_of(intents, self.classes, str(path), "BANKING77"))
