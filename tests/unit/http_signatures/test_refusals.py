"""Every reason to refuse a signature, each with what it tells the integrator."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from orderlane.http_signatures import (
    AlgorithmRefused,
    ComponentAbsent,
    ComponentNotCovered,
    ComponentRepeated,
    ComponentUnsupported,
    CreatedInFuture,
    DigestRefused,
    KeyKind,
    KeyUnknown,
    ParameterRefused,
    SignatureExpired,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
    SignatureRefused,
    SignatureTooLarge,
    SignatureVersionUnsupported,
    verify,
)
from orderlane.http_signatures.verification import COMPONENTS_MAX, FIELD_LENGTH_MAX, TEXT_LENGTH_MAX

SKEW = timedelta(seconds=30)


def refusal(signed: Any, now: datetime, **changes: Any) -> SignatureRefused:
    with pytest.raises(SignatureRefused) as refused:
        verify(signed.received(**changes), signed.keys, now)
    assert refused.value.check != SignatureRefused.check
    assert 0 < len(str(refused.value)) < 400
    return refused.value


def header(signed: Any, name: str, value: str) -> list[tuple[str, str]]:
    """The headers as signed, one of them with another value."""
    headers = [*signed.headers, *signed.signature_headers]
    assert name in {known.lower() for known, _ in headers}
    return [(known, value if known.lower() == name else sent) for known, sent in headers]


def test_the_untouched_request_is_accepted(hand_signed: Any, now: datetime) -> None:
    verified = verify(hand_signed.received(), hand_signed.keys, now)

    assert verified.signature_base == hand_signed.base
    assert verified.covered == hand_signed.covered
    assert verified.nonce == "n-0001"
    assert verified.created == now


@pytest.mark.parametrize(
    "component", ["@method", "@path", "@query", "content-digest", "authorization", "idempotency-key"]
)
def test_what_must_be_covered(hand_signed: Any, now: datetime, component: str) -> None:
    signed = hand_signed.but(covered=tuple(name for name in hand_signed.covered if name != component))

    refused = refusal(signed, now)

    assert isinstance(refused, ComponentNotCovered)
    assert refused.component == component
    assert refused.signature_base == signed.base


@pytest.mark.parametrize("field", ["authorization", "idempotency-key", "accept", "content-type"])
def test_a_field_that_is_not_sent_need_not_be_covered(hand_signed: Any, now: datetime, field: str) -> None:
    signed = hand_signed.without_field(field)

    assert field not in verify(signed.received(), signed.keys, now).covered


def test_without_query_and_body_neither_need_be_covered(hand_signed: Any, now: datetime) -> None:
    signed = hand_signed.without_field("content-digest").but(query="", body=b"", method="DELETE")
    signed = signed.but(covered=tuple(name for name in signed.covered if name != "@query"))

    assert verify(signed.received(), signed.keys, now).covered == signed.covered


def test_an_empty_query_can_be_covered_all_the_same(hand_signed: Any, now: datetime) -> None:
    signed = hand_signed.but(query="")

    assert '"@query": ?\n' in verify(signed.received(), signed.keys, now).signature_base


def test_a_header_that_is_added_on_the_way_must_be_covered(hand_signed: Any, now: datetime) -> None:
    signed = hand_signed.without_field("idempotency-key")
    added = [*signed.headers, *signed.signature_headers, ("Idempotency-Key", "another")]

    assert isinstance(refusal(signed, now, headers=added), ComponentNotCovered)


@pytest.mark.parametrize("field", ["authorization", "content-digest", "accept"])
def test_a_covered_field_that_is_sent_twice_is_another_field(hand_signed: Any, now: datetime, field: str) -> None:
    twice = [*hand_signed.headers, *hand_signed.signature_headers, (field, hand_signed.value(field))]

    assert isinstance(refusal(hand_signed, now, headers=twice), SignatureMismatch | DigestRefused)


@pytest.mark.parametrize("field", ["accept", "authorization", "content-digest"])
def test_a_covered_field_that_is_lost(hand_signed: Any, now: datetime, field: str) -> None:
    lost = [(name, value) for name, value in hand_signed.received().fields.items() if name != field]

    refused = refusal(hand_signed, now, headers=lost)

    assert isinstance(refused, ComponentAbsent)
    assert refused.component == field


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "PUT"},
        {"path": "/portfolios/orders/"},
        {"query": "dry_run=true&note=a%20b"},
        {"query": "dry_run=false&note=a+b"},
    ],
    ids=str,
)
def test_what_is_changed_on_the_way(hand_signed: Any, now: datetime, changes: dict[str, Any]) -> None:
    assert isinstance(refusal(hand_signed, now, **changes), SignatureMismatch)


def test_another_body(hand_signed: Any, now: datetime) -> None:
    refused = refusal(hand_signed, now, body=b'{"cash_amount": "9000.00"}')

    assert isinstance(refused, DigestRefused)
    assert str(refused) == "content-digest sha-512 is not the digest of the body"


@pytest.mark.parametrize(
    ("digest", "reason"),
    [
        ("md5=:1B2M2Y8AsgTpgAmY7PhCfg==:", "must have sha-256 or sha-512"),
        ("sha-512=abc", "sha-512 must be base64 between colons"),
        ("sha-512=:abc:", "cannot be read"),
        ("sha-512=(:abcd:)", "cannot be read"),
        ("sha-512", "cannot be read"),
        ("sha-256=:" + "A" * 2000 + ":", "is longer than"),
        ("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", "sha-256 is not the digest of the body"),
        ("", "cannot be read"),
    ],
)
def test_digests_that_prove_nothing(hand_signed: Any, now: datetime, digest: str, reason: str) -> None:
    kept = tuple(field for field in hand_signed.headers if field[0] != "Content-Digest")
    signed = hand_signed.but(headers=(*kept, ("Content-Digest", digest)))

    refused = refusal(signed, now)

    assert isinstance(refused, DigestRefused)
    assert refused.reason.startswith(reason)


def test_every_digest_that_is_known_must_hold(hand_signed: Any, now: datetime) -> None:
    wrong = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
    kept = tuple(field for field in hand_signed.headers if field[0] != "Content-Digest")
    right = hand_signed.value("content-digest")
    signed = hand_signed.but(headers=(*kept, ("Content-Digest", f"unixsum=:AAAA:, {right}, {wrong}")))

    assert isinstance(refusal(signed, now), DigestRefused)
    signed = hand_signed.but(headers=(*kept, ("Content-Digest", f"unixsum=:AAAA:, {right}")))
    assert verify(signed.received(), signed.keys, now)


@dataclass
class TimeCase:
    """A signature's parameters, how far the server's clock is from them, and what comes of it."""

    parameters: tuple[str, ...]
    offset: timedelta
    refused: type[SignatureRefused] | None


TIMES = {
    "30 s ahead": TimeCase(("expires=+10",), -SKEW, None),
    "31 s ahead": TimeCase(("expires=+10",), -SKEW - timedelta(seconds=1), CreatedInFuture),
    "30 s after its end": TimeCase(("expires=+10",), timedelta(seconds=10) + SKEW, None),
    "31 s after its end": TimeCase(("expires=+10",), timedelta(seconds=11) + SKEW, SignatureExpired),
    "no end, 5 min old": TimeCase((), timedelta(minutes=5) + SKEW, None),
    "no end, older": TimeCase((), timedelta(minutes=5, seconds=1) + SKEW, SignatureExpired),
    "a far end is cut": TimeCase(("expires=+3600",), timedelta(minutes=5, seconds=1) + SKEW, SignatureExpired),
    "it ends at once": TimeCase(("expires=+0",), timedelta(0), None),
    "it ends before it begins": TimeCase(("expires=-1",), timedelta(0), ParameterRefused),
}


@pytest.mark.parametrize("case", TIMES.values(), ids=TIMES)
def test_times(hand_signed: Any, now: datetime, case: TimeCase) -> None:
    created = int(now.timestamp())
    ends = tuple(f"expires={created + int(text.partition('=')[2])}" for text in case.parameters)
    signed = hand_signed.but(parameters=(f"created={created}", 'nonce="n"', 'keyid="key-1"', *ends))
    clock = now + case.offset

    if case.refused is None:
        assert clock <= verify(signed.received(), signed.keys, clock).valid_until
    else:
        with pytest.raises(case.refused):
            verify(signed.received(), signed.keys, clock)


@pytest.mark.parametrize("lost", ["created", "nonce", "keyid"])
def test_parameters_that_must_be_there(hand_signed: Any, now: datetime, lost: str) -> None:
    signed = hand_signed.but(parameters=tuple(text for text in hand_signed.parameters if lost not in text))

    refused = refusal(signed, now)

    assert isinstance(refused, ParameterRefused)
    assert str(refused) == f"the signature parameter {lost} is missing"


@pytest.mark.parametrize(
    "parameter",
    ['created="1795361400"', "created", "created=soon", "created=?1", "expires=:AAAA:", "nonce=n1", "nonce=1",
     'nonce=""', f'nonce="{"n" * (TEXT_LENGTH_MAX + 1)}"', "keyid=key-1", 'keyid=""',
     f'keyid="{"k" * (TEXT_LENGTH_MAX + 1)}"', "alg=ed25519"],
)  # fmt: skip
def test_parameters_of_the_wrong_type(hand_signed: Any, now: datetime, parameter: str) -> None:
    name = parameter.partition("=")[0]
    kept = (text for text in hand_signed.parameters if not text.startswith(name))
    signed = hand_signed.but(parameters=(*kept, parameter))

    refused = refusal(signed, now)

    assert isinstance(refused, ParameterRefused)
    assert refused.parameter == name


def test_the_order_of_parameters_is_free(hand_signed: Any, now: datetime) -> None:
    signed = hand_signed.but(parameters=(*reversed(hand_signed.parameters), 'tag="orders"', "x", "y=?0"))

    assert verify(signed.received(), signed.keys, now).nonce == "n-0001"


def test_an_unknown_key(hand_signed: Any, now: datetime) -> None:
    with pytest.raises(KeyUnknown) as refused:
        verify(hand_signed.received(), {"key-2": hand_signed.keys["key-1"]}, now)

    assert refused.value.key_id == "key-1"


def test_the_key_of_somebody_else(hand_signed: Any, keys_of_others: dict[KeyKind, Any], now: datetime) -> None:
    forged = hand_signed.but(key=keys_of_others[hand_signed.keys["key-1"].kind])

    with pytest.raises(SignatureMismatch) as refused:
        verify(forged.received(), hand_signed.keys, now)
    assert refused.value.signature_base == forged.base


def test_an_algorithm_that_does_not_fit(hand_signed: Any, now: datetime) -> None:
    signed = hand_signed.but(parameters=(*hand_signed.parameters, 'alg="rsa-pss-sha512"'))

    refused = refusal(signed, now)

    assert isinstance(refused, AlgorithmRefused)
    assert refused.algorithm == "rsa-pss-sha512"


@pytest.mark.parametrize("version", ["6", "16", "", "15, 15"])
def test_versions_that_are_not_spoken(ed25519_signed: Any, now: datetime, version: str) -> None:
    headers = [*ed25519_signed.headers, *ed25519_signed.signature_headers, ("upvest-signature-version", version)]

    assert isinstance(refusal(ed25519_signed, now, headers=headers), SignatureVersionUnsupported)


@pytest.mark.parametrize("field", ["signature", "signature-input"])
def test_half_a_signature(hand_signed: Any, now: datetime, field: str) -> None:
    half = [(name, value) for name, value in hand_signed.received().fields.items() if name != field]

    refused = refusal(hand_signed, now, headers=half)

    assert isinstance(refused, SignatureMissing)
    assert refused.component == field
    assert hand_signed.received(headers=half).is_signed


def test_a_request_that_does_not_claim_to_be_signed(hand_signed: Any) -> None:
    assert hand_signed.received().is_signed
    assert not hand_signed.received(headers=hand_signed.headers).is_signed


def test_a_signature_under_another_label(hand_signed: Any, now: datetime) -> None:
    headers = header(hand_signed, "signature", "sig2=:AAAA:")

    refused = refusal(hand_signed, now, headers=headers)

    assert isinstance(refused, SignatureMissing)
    assert str(refused) == "the header field signature has no member sig1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("signature", "sig1=abc"),
        ("signature", "sig1=:a:"),
        ("signature", "sig1=()"),
        ("signature", "sig1"),
        ("signature", "sig1=:AAAA:,"),
        ("signature", "sig1=:AAAA:, sig1=:AAAA:"),
        ("signature-input", ""),
        ("signature-input", 'sig1="@method"'),
        ("signature-input", 'sig1=("@method"'),
        ("signature-input", 'sig1=("@method""@path");keyid="key-1"'),
        ("signature-input", 'sig1=("@Method");keyid="key-1"'),
        ("signature-input", 'sig1=("");keyid="key-1"'),
        ("signature-input", 'sig1=(method);keyid="key-1"'),
        ("signature-input", f'sig1=("{"x" * 101}");keyid="key-1"'),
        ("signature-input", f'{"s" * 101}=("@method");keyid="key-1"'),
        ("signature-input", 'sig1=(1);keyid="key-1"'),
        ("signature-input", 'sig1=("@method");keyid="key-1";keyid="key-1"'),
        ("signature-input", 'sig1=("@method");keyid="key-1";created=1.5'),
        ("signature-input", 'sig1=("@method");keyid="key-1";created=9999999999999999'),
        ("signature-input", 'sig1=("@method");keyid="kéy-1"'),
    ],
)
def test_fields_that_cannot_be_read(hand_signed: Any, now: datetime, field: str, value: str) -> None:
    refused = refusal(hand_signed, now, headers=header(hand_signed, field, value))

    assert isinstance(refused, SignatureMalformed)
    assert refused.component == field


@pytest.mark.parametrize("component", ["@status", "@query-param", "@signature-params", "@unknown"])
def test_components_that_are_not_known(ed25519_signed: Any, now: datetime, component: str) -> None:
    headers = header(ed25519_signed, "signature-input", f'sig1=("{component}");keyid="key-1"')

    refused = refusal(ed25519_signed, now, headers=headers)

    assert isinstance(refused, ComponentUnsupported)
    assert refused.component == component


def test_parameters_of_components_are_not_known(ed25519_signed: Any, now: datetime) -> None:
    headers = header(ed25519_signed, "signature-input", 'sig1=("content-digest";sf "@method";req);keyid="key-1"')

    refused = refusal(ed25519_signed, now, headers=headers)

    assert isinstance(refused, ComponentUnsupported)
    assert str(refused) == "the component content-digest with parameters (sf) is not supported"


def test_a_component_twice(hand_signed: Any, now: datetime) -> None:
    signed = hand_signed.but(covered=(*hand_signed.covered, "accept"))

    refused = refusal(signed, now)

    assert isinstance(refused, ComponentRepeated)
    assert refused.component == "accept"


@pytest.mark.parametrize("value", ["a\x00b", "a\nb", "ü", "a\x7fb"])
def test_values_that_cannot_be_signed(hand_signed: Any, now: datetime, value: str) -> None:
    refused = refusal(hand_signed, now, headers=header(hand_signed, "accept", value))

    assert isinstance(refused, SignatureMalformed)
    assert refused.component == "accept"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("signature-input", "sig1=(" + " " * FIELD_LENGTH_MAX + ")"),
        ("signature", "sig1=:" + "A" * FIELD_LENGTH_MAX + ":"),
        ("signature", ", ".join(f"sig{number}=:AAAA:" for number in range(5))),
        ("signature-input", ", ".join(f'sig{number}=("@method");keyid="x"' for number in range(5))),
        ("signature-input", "sig1=(" + " ".join(f'"x{number}"' for number in range(COMPONENTS_MAX + 1)) + ")"),
    ],
    ids=["long input", "long signature", "many signatures", "many inputs", "many components"],
)
def test_bounds(hand_signed: Any, now: datetime, field: str, value: str) -> None:
    refused = refusal(hand_signed, now, headers=header(hand_signed, field, value))

    assert isinstance(refused, SignatureTooLarge)
    assert refused.component == field


def test_the_signature_base_is_bounded(hand_signed: Any, now: datetime) -> None:
    refused = refusal(hand_signed, now, headers=header(hand_signed, "accept", "x" * 70_000))

    assert isinstance(refused, SignatureTooLarge)


def test_the_authority_needs_a_host(ed25519_signed: Any, now: datetime) -> None:
    signed = ed25519_signed.but(covered=("@authority", *ed25519_signed.covered))
    without = [(name, value) for name, value in signed.received().fields.items() if name != "host"]

    refused = refusal(signed, now, headers=without)

    assert isinstance(refused, ComponentAbsent)
    assert refused.component == "@authority"


def test_every_refusal_has_a_check_of_its_own() -> None:
    checks = [refused.check for refused in SignatureRefused.__subclasses__()]

    assert len(checks) == len(set(checks))
