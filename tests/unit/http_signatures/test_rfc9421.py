"""The RFC 9421 form, against a library written by others and against the RFC's own test cases."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from http_message_signatures import HTTPMessageSigner, algorithms
from http_message_signatures.resolvers import MappingKeyResolver

from orderlane.http_signatures import (
    AlgorithmRefused,
    PublicKey,
    SignatureForm,
    SignatureMismatch,
    SignedRequest,
    VerificationPolicy,
    verify,
)

ALGORITHMS = {"P-256": algorithms.ECDSA_P256_SHA256, "Ed25519": algorithms.ED25519}
Register = Callable[[Any], PublicKey]
COVERED = ("@method", "@authority", "@path", "@query", "authorization", "content-type", "content-digest")


def library_signed(
    key: Any, kind: str, now: datetime, authority: str = "orders.example.com", **options: Any
) -> SignedRequest:
    """A POST signed by the library, as it arrives."""
    request = requests.Request(
        "POST",
        f"https://{authority}/portfolios/orders?dry_run=false",
        headers={"Host": authority, "Authorization": "Bearer abc", "Content-Type": "application/json"},
        data=b'{"a": 1}',
    ).prepare()
    signer = HTTPMessageSigner(
        signature_algorithm=ALGORITHMS[kind],
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={"key-1": key}),
    )
    settings = {"covered_component_ids": COVERED, "nonce": "n-1", "body": b'{"a": 1}', **options}
    signer.sign(request, key_id="key-1", created=now, **settings)
    return SignedRequest(
        method="POST",
        path="/portfolios/orders",
        query="dry_run=false",
        headers=[(name, str(value)) for name, value in request.headers.items()],
        body=b'{"a": 1}',
    )


@pytest.mark.parametrize("kind", list(ALGORITHMS))
@pytest.mark.parametrize("include_alg", [True, False])
def test_a_request_signed_by_the_library(
    kind: str, include_alg: bool, private_keys: dict[str, Any], register: Register, now: datetime
) -> None:
    request = library_signed(private_keys[kind], kind, now, include_alg=include_alg, label="other")
    keys = {"key-1": register(private_keys[kind])}

    verified = verify(request, keys, now)

    assert verified.form is SignatureForm.RFC_9421
    assert verified.nonce == "n-1"
    assert verified.covered == COVERED
    assert verified.expires == now + timedelta(minutes=5)


@pytest.mark.parametrize("authority", ["Orders.Example.com", "orders.example.com:443", "orders.example.com:8443"])
def test_ways_to_write_the_authority(
    authority: str, private_keys: dict[str, Any], register: Register, now: datetime
) -> None:
    request = library_signed(private_keys["Ed25519"], "Ed25519", now, authority)

    assert verify(request, {"key-1": register(private_keys["Ed25519"])}, now).covered == COVERED


@pytest.mark.parametrize("kind", list(ALGORITHMS))
@pytest.mark.parametrize("component", ["@target-uri", "@request-target"])
def test_components_that_include_path_and_query(
    kind: str, component: str, private_keys: dict[str, Any], register: Register, now: datetime
) -> None:
    covered = ("@method", component, "authorization", "content-digest")
    request = library_signed(private_keys[kind], kind, now, covered_component_ids=covered)

    assert verify(request, {"key-1": register(private_keys[kind])}, now).covered == covered


def test_the_signature_of_a_known_key_is_found_among_others(
    private_keys: dict[str, Any], register: Register, now: datetime
) -> None:
    request = library_signed(private_keys["Ed25519"], "Ed25519", now, tag="first")
    request.fields["signature-input"] = (
        'proxy=("@method");created=1;keyid="proxy";nonce="x",  ' + request.fields["signature-input"]
    )
    request.fields["signature"] = "proxy=:AAAA:,  " + request.fields["signature"]

    assert verify(request, {"key-1": register(private_keys["Ed25519"])}, now).nonce == "n-1"


def test_whitespace_that_an_intermediary_may_change_does_not_matter(
    private_keys: dict[str, Any], register: Register, now: datetime
) -> None:
    request = library_signed(private_keys["Ed25519"], "Ed25519", now)
    keys = {"key-1": register(private_keys["Ed25519"])}
    signed = request.fields["signature-input"]

    request.fields["signature-input"] = signed.replace(" ", "   ").replace(";", ";  ")

    assert verify(request, keys, now).covered == COVERED


def test_the_algorithm_must_fit_the_key(private_keys: dict[str, Any], register: Register, now: datetime) -> None:
    request = library_signed(private_keys["Ed25519"], "Ed25519", now)

    with pytest.raises(AlgorithmRefused) as refused:
        verify(request, {"key-1": register(private_keys["P-256"])}, now)
    assert "'ed25519' is not ecdsa-p256-sha256" in str(refused.value)


def test_a_p521_key_has_no_algorithm_here(private_keys: dict[str, Any], register: Register, now: datetime) -> None:
    request = library_signed(private_keys["Ed25519"], "Ed25519", now, include_alg=False)

    with pytest.raises(AlgorithmRefused, match="upvest-signature-version: 15"):
        verify(request, {"key-1": register(private_keys["P-521"])}, now)


def test_without_alg_the_key_decides(private_keys: dict[str, Any], register: Register, now: datetime) -> None:
    request = library_signed(private_keys["Ed25519"], "Ed25519", now, include_alg=False)

    with pytest.raises(SignatureMismatch):
        verify(request, {"key-1": register(private_keys["P-256"])}, now)


# --- the RFC's appendix B: a genuine signature is all that these cases have, so nothing else is asked of them

ANY_COVERAGE = VerificationPolicy(coverage=(), nonce_required=False)
APPENDIX_B_TIME = datetime.fromtimestamp(1618884473, UTC)
APPENDIX_B_KEYS = {
    "test-key-ed25519": """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----""",
    "test-key-ecc-p256": """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----""",
}
CLIENT_CERT = (
    ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVk"
    "aWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8"
    "YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBg"
    "NVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYE"
    "PYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5"
    "r5XarmPk0wmuydBVoU4hBVZ1yhk=:"
)
B_2_6 = SignedRequest(
    method="POST",
    path="/foo",
    query="param=Value&Pet=dog",
    headers=[
        ("Host", "example.com"),
        ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("Content-Type", "application/json"),
        ("Content-Length", "18"),
        (
            "Signature-Input",
            'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
            ';created=1618884473;keyid="test-key-ed25519"',
        ),
        (
            "Signature",
            "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
        ),
    ],
    body=b'{"hello": "world"}',
)
B_3 = SignedRequest(
    method="POST",
    path="/foo",
    query="param=Value&Pet=dog",
    headers=[
        ("Host", "service.internal.example"),
        ("Client-Cert", CLIENT_CERT),
        (
            "Signature-Input",
            'ttrp=("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256"',
        ),
        (
            "Signature",
            "ttrp=:xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==:",
        ),
    ],
    body=b'{"hello": "world"}',
)
B_4 = SignedRequest(
    method="GET",
    path="/demo",
    query="name1=Value1&Name2=value2&param=added",
    headers=[
        ("Host", "example.org"),
        ("Accept", "application/json"),
        ("accept", "  */*  "),
        (
            "Signature-Input",
            'transform=("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519"',
        ),
        (
            "Signature",
            "transform=:ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==:",
        ),
    ],
    body=b"",
)


@pytest.mark.parametrize("case", [B_2_6, B_3, B_4], ids=["B.2.6", "B.3", "B.4"])
def test_the_rfcs_own_cases(case: SignedRequest) -> None:
    keys = {key_id: PublicKey.from_pem(pem) for key_id, pem in APPENDIX_B_KEYS.items()}

    verified = verify(case, keys, APPENDIX_B_TIME, ANY_COVERAGE)

    assert verified.key_id in APPENDIX_B_KEYS
    assert verified.nonce is None
