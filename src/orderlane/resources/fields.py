"""The types of fields that many answers have: what JSON Schema says of them, with an example."""

from typing import Annotated, Final

from msgspec import Meta

_TIME: Final = "2021-07-21T14:10:00.000Z"

TimeText = Annotated[str, Meta(examples=[_TIME], extra_json_schema={"format": "date-time"})]
"""A moment in UTC with milliseconds."""

ExactNumber = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]+(\.[0-9]+)?\Z",
        description="A decimal number as a string: plain digits, as many as it takes to be exact.",
        examples=["1000.00"],
    ),
]

InstrumentName = Annotated[str, Meta(examples=["iShares Core MSCI World UCITS ETF USD (Acc)"])]
VenueName = Annotated[str, Meta(description="The name of the venue.", examples=["SIMULATED"])]
Wkn = Annotated[str, Meta(description="The German securities number, absent when there is none.", examples=["A0RPWH"])]
