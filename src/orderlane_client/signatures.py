"""Verification of received webhooks, with libraries that others wrote.

A request is signed three times over: Standard Webhooks `v1` (HMAC of the subscription's secret) and `v1a` (Ed25519 of
the service's key), and an HTTP message signature (RFC 9421, Ed25519). All three must be there and right.
"""

import base64
import binascii
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature as WrongSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    InvalidSignature,
    MappingKeyResolver,
    algorithms,
)
from http_message_signatures.signatures import SignatureVerifyWarning
from standardwebhooks import Webhook, WebhookVerificationError

AGE_MAX = timedelta(minutes=5)
COVERED = ("@method", "@authority", "@path", "content-digest", "webhook-id", "webhook-timestamp")


class WebhookRefused(Exception):
    """A webhook is not signed by the service: says which signature is wrong, and how."""

    def __init__(self, signature: str, reason: str) -> None:
        super().__init__(signature, reason)
        self.signature, self.reason = signature, reason

    def __str__(self) -> str:
        return f"{self.signature}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request as it came: the full URL that the sender used, headers in lower case, the body's bytes."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class WebhookVerifier:
    """Verifies requests of one subscription.

    Args:
        keys: the entries of the service's key set (`GET /auth/verify_keys`), those for Ed25519 are used.
        secrets: the subscription's secrets (`whsec_…`), more than one while they rotate.
    """

    def __init__(self, keys: Sequence[Mapping[str, Any]], secrets: Sequence[str]) -> None:
        self._keys = {str(key["kid"]): _public_key(key) for key in keys if key.get("crv") == "Ed25519"}
        self._webhooks = [Webhook(secret) for secret in secrets]

    def verify(self, request: ReceivedRequest) -> None:
        """Check every signature.

        Raises:
            WebhookRefused: one is missing or wrong.
        """
        self._verify_secret(request)
        self._verify_key(request)
        self._verify_message(request)

    def _verify_secret(self, request: ReceivedRequest) -> None:
        reason = "there is no secret to verify with"
        for webhook in self._webhooks:
            try:
                webhook.verify(request.body, dict(request.headers), json_parse=False)
            except (WebhookVerificationError, ValueError) as error:
                reason = str(error)
            else:
                return
        raise WebhookRefused("v1", reason)

    def _verify_key(self, request: ReceivedRequest) -> None:
        headers = request.headers
        content = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + request.body
        signatures = [
            text.removeprefix("v1a,")
            for text in headers.get("webhook-signature", "").split()
            if text.startswith("v1a,")
        ]
        if not any(_accepts(key, signature, content) for key in self._keys.values() for signature in signatures):
            raise WebhookRefused("v1a", "none of the service's keys made it")

    def _verify_message(self, request: ReceivedRequest) -> None:
        resolver = MappingKeyResolver(public_keys=self._keys, private_keys={})
        verifier = _MessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=resolver)
        reason = "there is none"
        for label in _labels(request.headers.get("signature-input", "")):
            try:
                _verify_labelled(verifier, request, label)
            except (InvalidSignature, HTTPMessageSignaturesException, ValueError) as error:
                reason = str(error)
            else:
                return
        raise WebhookRefused("HTTP message signature", reason)


class _MessageVerifier(HTTPMessageVerifier):
    """While keys rotate a request has several signatures, told apart by their labels: any known key's is enough."""

    allow_label_only_selection = True


def _verify_labelled(verifier: HTTPMessageVerifier, request: ReceivedRequest, label: str) -> None:
    with warnings.catch_warnings(category=SignatureVerifyWarning, action="ignore"):
        verifier.verify(request, max_age=AGE_MAX, expect_label=label, require_components=COVERED, body=request.body)


def _public_key(entry: Mapping[str, Any]) -> Ed25519PublicKey:
    text = str(entry["x"])
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _accepts(key: Ed25519PublicKey, signature: str, content: bytes) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), content)
    except (WrongSignature, binascii.Error):
        return False
    return True


def _labels(signature_input: str) -> list[str]:
    """The labels of `sig1=(…);…, sig2=(…);…`; quoted texts and lists hold no `=(`."""
    return [part.rpartition(",")[2].strip() for part in signature_input.split("=(")[:-1]]
