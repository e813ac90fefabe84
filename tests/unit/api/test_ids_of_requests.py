"""Ids in requests: any spelling of a UUID is one id, and what is none is refused by name."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert
from msgspec.json import encode

from orderlane.api.decoding import body_decoder, path_decoder, query_decoder
from orderlane.api.errors import InvalidBody, InvalidParameter
from orderlane.api.routes import OPERATIONS
from orderlane.api.routes.accounts import AccountsQuery
from orderlane.domain.intake import PortfolioOrderPlacement
from orderlane.resources.accounts import AccountRequest
from orderlane.resources.orders import PortfolioOrderRequest
from orderlane.resources.requests import AccountIdText, RequestBody, is_id

ID = "54b8d84f-5bd0-4e43-bf0f-164388cb4c23"
SPELLINGS = (ID, ID.upper(), ID.replace("-", ""), ID.replace("-", "").upper())
NO_IDS = ("", "1", ID[:-1], f"{ID}0", f"{{{ID}}}", f"urn:uuid:{ID}", f" {ID}", f"{ID}\n", ID.replace("-", "_"))


class Chosen(RequestBody, frozen=True):
    """A body with a list of ids."""

    account_ids: list[AccountIdText]
    other: AccountIdText | None = None


def account_body(user_id: str) -> bytes:
    return encode({"user_id": user_id, "account_group_id": ID, "type": "TRADING"})


@pytest.mark.parametrize("text", SPELLINGS)
def test_every_spelling_is_the_same_id(text: str) -> None:
    body = body_decoder(AccountRequest, "application/json")(account_body(text), "application/json")
    query = query_decoder(AccountsQuery)(f"user_id={text}".encode())
    path = path_decoder({"account_id": AccountIdText})({"account_id": text})
    chosen = body_decoder(Chosen, "application/json")(encode({"account_ids": [ID, text]}), "application/json")

    assert (body.user_id, query.user_id, path["account_id"], chosen.account_ids) == (ID, ID, ID, [ID, ID])
    assert (query.account_group_id, chosen.other) == (None, None)


@pytest.mark.parametrize("text", NO_IDS)
def test_what_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidBody) as body:
        body_decoder(AccountRequest, "application/json")(account_body(text), "application/json")
    with pytest.raises(InvalidParameter) as path:
        path_decoder({"account_id": AccountIdText})({"account_id": text})

    assert [wrong.field for wrong in body.value.errors] == ["user_id"]
    assert [(wrong.field, wrong.message) for wrong in path.value.errors] == [
        ("account_id", f'must be a UUID such as "{ID}"')
    ]


@given(st.uuids())
def test_any_uuid_is_taken(any_id: UUID) -> None:
    decode = path_decoder({"account_id": AccountIdText})

    assert decode({"account_id": str(any_id).upper()}) == {"account_id": str(any_id)}


def test_every_parameter_of_a_path_that_names_something_of_a_client_is_an_id() -> None:
    names = {name: kind for operation in OPERATIONS for name, kind in operation.parameters.items()}

    assert {name for name, kind in names.items() if not is_id(kind)} == {"instrument_id", "isin", "code"}


def test_a_portfolio_order_is_handed_on_whole() -> None:
    """A field that both records have travels without being named between them."""
    request = convert(
        {"user_id": ID.upper(), "account_id": ID, "cash_amount": "10.50", "currency": "EUR", "side": "BUY"},
        PortfolioOrderRequest,
    )
    placement = convert(request, PortfolioOrderPlacement, from_attributes=True)

    assert set(PortfolioOrderPlacement.__struct_fields__) == set(PortfolioOrderRequest.__struct_fields__)
    assert (placement.user_id, str(placement.cash_amount), placement.side) == (
        str(request.user_id).lower(),
        "10.50",
        "BUY",
    )
