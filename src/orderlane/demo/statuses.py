"""How the status of an order looks to a person, by its name."""

from typing import Final

STATUS_STYLES: Final = {"NEW": "cyan", "PROCESSING": "yellow", "FILLED": "green", "CANCELLED": "red"}
STATUS_SIGNS: Final = {"NEW": "○", "PROCESSING": "◐", "FILLED": "●", "CANCELLED": "x"}
