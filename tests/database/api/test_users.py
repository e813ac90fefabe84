"""Users over HTTP."""

from typing import Any

USER = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "birth_date": "1985-12-10",
    "nationalities": ["GB", "DE"],
    "address": {"address_line1": "Invalidenstraße 1", "postcode": "10115", "city": "Berlin", "country": "DE"},
    "email": "ada@example.com",
    "terms_and_conditions": {
        "consent_document_id": "8ad94dd7-8ff2-4ac9-9b3c-3a3d9eb5cbd1",
        "confirmed_at": "2026-01-01T10:00:00Z",
    },
    "fatca": {"status": False, "confirmed_at": "2026-01-01T10:00:00Z"},
}


async def test_what_onboarding_tells_is_given_back(api: Any) -> None:
    created = await api.post("/users", USER)

    assert created.status_code == 200, created.text
    user = created.json()
    assert USER.items() <= user.items()
    assert user["status"] == "ACTIVE"
    assert (await api.http.get(f"/users/{user['id']}")).json() == user
