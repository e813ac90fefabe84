"""What a client sends at onboarding."""

from typing import Any

USER: dict[str, Any] = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "birth_date": "1985-12-10",
    "nationalities": ["GB", "DE"],
    "address": {"address_line1": "Invalidenstraße 1", "postcode": "10115", "city": "Berlin", "country": "DE"},
}
ONBOARDING: dict[str, Any] = {
    **USER,
    "salutation": "SALUTATION_FEMALE",
    "title": "Dr.",
    "birth_city": "London",
    "birth_country": "GB",
    "birth_name": "Byron",
    "postal_address": {"address_line1": "Box 1", "postcode": "SW1A 1AA", "city": "London", "country": "GB"},
    "email": "ada@example.com",
    "phone_number": "+49 30 1234567",
    "terms_and_conditions": {
        "consent_document_id": "8ad94dd7-8ff2-4ac9-9b3c-3a3d9eb5cbd1",
        "confirmed_at": "2026-01-01T10:00:00Z",
    },
    "data_privacy_and_sharing_agreement": {
        "consent_document_id": "d3e9b1c8-4f0d-4b43-9b9f-3a3d9eb5cbd1",
        "confirmed_at": "2026-01-01T10:00:00Z",
    },
    "fatca": {"status": False, "confirmed_at": "2026-01-01T10:00:00Z"},
}
