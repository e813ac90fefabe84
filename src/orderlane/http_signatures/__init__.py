"""HTTP message signatures: verifying signed requests, signing and verifying webhooks.

Pure: every key, every time and every byte is handed in.
"""

from orderlane.http_signatures.errors import (
    AlgorithmRefused,
    ComponentAbsent,
    ComponentNotCovered,
    ComponentRepeated,
    ComponentUnsupported,
    CreatedInFuture,
    DigestRefused,
    KeyRefused,
    KeyUnknown,
    ParameterRefused,
    SignatureExpired,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
    SignatureRefused,
    SignatureTooLarge,
    SignatureVersionUnsupported,
)
from orderlane.http_signatures.keys import KeyKind, PublicKey, SignatureForm, key_set
from orderlane.http_signatures.message import SignedRequest
from orderlane.http_signatures.verification import (
    REQUEST_POLICY,
    WEBHOOK_POLICY,
    VerificationPolicy,
    VerifiedSignature,
    verify,
)
from orderlane.http_signatures.webhook_keys import WebhookSecret, WebhookSigningKey
from orderlane.http_signatures.webhook_signing import WebhookSigner
from orderlane.http_signatures.webhook_verification import ReceivedWebhook, verify_webhook

__all__ = [
    "REQUEST_POLICY",
    "WEBHOOK_POLICY",
    "AlgorithmRefused",
    "ComponentAbsent",
    "ComponentNotCovered",
    "ComponentRepeated",
    "ComponentUnsupported",
    "CreatedInFuture",
    "DigestRefused",
    "KeyKind",
    "KeyRefused",
    "KeyUnknown",
    "ParameterRefused",
    "PublicKey",
    "ReceivedWebhook",
    "SignatureExpired",
    "SignatureForm",
    "SignatureMalformed",
    "SignatureMismatch",
    "SignatureMissing",
    "SignatureRefused",
    "SignatureTooLarge",
    "SignatureVersionUnsupported",
    "SignedRequest",
    "VerificationPolicy",
    "VerifiedSignature",
    "WebhookSecret",
    "WebhookSigner",
    "WebhookSigningKey",
    "key_set",
    "verify",
    "verify_webhook",
]
