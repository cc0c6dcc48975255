"""Ways to reach or to charge a person: e-mail addresses, telephone numbers, bank accounts and cards."""

import re

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(r"\b\d(?:[ -]?\d){12,18}\b")
_PHONE = re.compile(r"(?<![\w.])(?:\+|00)\d{1,3}[ ./-]?(?:\(?\d{1,4}\)?[ ./-]?){2,5}\d{2,4}(?![\w-])")


def without_personal_data(text: str) -> str:
    """The text with each of them replaced by what it was."""
    text = _EMAIL.sub("[e-mail address]", text)
    text = _IBAN.sub(lambda match: "[account]" if _is_iban(match.group()) else match.group(), text)
    text = _CARD.sub(lambda match: "[card]" if _is_card(match.group()) else match.group(), text)
    return _PHONE.sub("[telephone number]", text)


def _is_iban(text: str) -> bool:
    """ISO 13616: letters count from ten, the first four signs go last, and 97 leaves 1."""
    signs = text.replace(" ", "")
    return int("".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4])) % 97 == 1


def _is_card(text: str) -> bool:
    """Luhn's sum."""
    digits = [int(sign) for sign in text if sign.isdigit()][::-1]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return len(set(digits)) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0
