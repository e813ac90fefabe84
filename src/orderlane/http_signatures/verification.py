"""Verification of signed requests: the draft-15 form that clients in the field send, and RFC 9421.

The draft's form is announced by `upvest-signature-version: 15`. It differs in the algorithms (ECDSA is
SHA-512 and DER on every curve) and in that `@signature-params` is signed as the very text of the field,
where RFC 9421 signs its canonical serialisation.

When several things are wrong, the first in this order is told: the form, the fields, the key, the
components, the parameters, the coverage, the time, the digest, the signature.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from orderlane.http_signatures.coverage import (
    REQUEST_COVERAGE,
    WEBHOOK_COVERAGE,
    Requirement,
    check_coverage,
)
from orderlane.http_signatures.digests import check_content_digest
from orderlane.http_signatures.errors import (
    AlgorithmRefused,
    ComponentRepeated,
    ComponentUnsupported,
    CreatedInFuture,
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
from orderlane.http_signatures.keys import ALGORITHMS, PublicKey, SignatureForm
from orderlane.http_signatures.message import SignedRequest, signature_base
from orderlane.http_signatures.structured_fields import (
    BareItem,
    InnerList,
    Item,
    Member,
    Parameters,
    StructuredFieldError,
    Token,
    TooManyMembers,
    parse_dictionary,
    serialise_bare_item,
    serialise_inner_list,
)

SIGNATURES_MAX: Final = 4
COMPONENTS_MAX: Final = 64
FIELD_LENGTH_MAX: Final = 8192
TEXT_LENGTH_MAX: Final = 255

VERSION_FIELD: Final = "upvest-signature-version"
_COMPONENT_NAME: Final = re.compile(r"@?[a-z0-9!#$%&'*+\-.^_`|~]{1,100}")


@dataclass(frozen=True, slots=True)
class VerificationPolicy:
    """What a signature must have beside being genuine.

    Attributes:
        coverage: the components that must be covered.
        nonce_required: whether a signature without a nonce is refused.
        skew: how far the signer's clock may be off.
        age_max: how long after `created` a signature is good, whatever its `expires` says; with `skew` it
            bounds how long a nonce must be remembered.
    """

    coverage: tuple[Requirement, ...]
    nonce_required: bool
    skew: timedelta = timedelta(seconds=30)
    age_max: timedelta = timedelta(minutes=5)


REQUEST_POLICY: Final = VerificationPolicy(coverage=REQUEST_COVERAGE, nonce_required=True)
WEBHOOK_POLICY: Final = VerificationPolicy(coverage=WEBHOOK_COVERAGE, nonce_required=False)


class VerifiedSignature(NamedTuple):
    """What is proven: this key signed these components at that time.

    Attributes:
        key_id: the id of the key, as in the `keys` that were handed in.
        nonce: to be accepted once for each key: whoever verifies must remember it until `valid_until`.
        created: when the client says that it signed.
        expires: the earlier of the client's own `expires` and `created` plus the policy's `age_max`.
        valid_until: `expires` plus the skew: after that, the same signature is refused for its age.
        covered: the covered components, in their order.
        form: which of the two forms it has.
        signature_base: the text that was signed; it may hold the request's `authorization`.
    """

    key_id: str
    nonce: str | None
    created: datetime
    expires: datetime
    valid_until: datetime
    covered: tuple[str, ...]
    form: SignatureForm
    signature_base: str


class _Candidate(NamedTuple):
    """The signature that is going to be verified, taken apart."""

    form: SignatureForm
    key_id: str
    key: PublicKey
    signature: bytes
    components: tuple[str, ...]
    parameters: Parameters
    parameters_text: str


class _Times(NamedTuple):
    """A signature's times, in seconds since 1970."""

    created: int
    deadline: int


def verify(
    request: SignedRequest,
    keys: Mapping[str, PublicKey],
    now: datetime,
    policy: VerificationPolicy = REQUEST_POLICY,
) -> VerifiedSignature:
    """Verify the request's signature.

    Of several signatures the first whose `keyid` is in `keys` counts, and it must hold.

    Args:
        request: the request as received.
        keys: the keys of the client that the request claims to come from, by key id.
        now: the verifier's time, aware.
        policy: what the signature must have beside being genuine.

    Raises:
        SignatureRefused: one of its subclasses says what is wrong; its `signature_base` is set as soon as
            the base could be computed.
    """
    candidate = _candidate(request, keys)
    base = signature_base(request, candidate.components, candidate.parameters_text)
    try:
        _check_algorithm(candidate)
        nonce = _nonce(candidate.parameters, policy)
        times = _times(candidate.parameters, policy)
        check_coverage(request, candidate.components, policy.coverage)
        _check_time(times, now.timestamp(), policy)
        if "content-digest" in candidate.components:
            check_content_digest(request.fields["content-digest"], request.body)
        if not candidate.key.accepts(candidate.signature, base.encode("ascii"), candidate.form):
            raise SignatureMismatch(candidate.key_id)
    except SignatureRefused as refusal:
        refusal.signature_base = base
        raise
    return _verified(candidate, nonce, times, base, policy)


def _verified(
    candidate: _Candidate, nonce: str | None, times: _Times, base: str, policy: VerificationPolicy
) -> VerifiedSignature:
    expires = datetime.fromtimestamp(times.deadline, UTC)
    return VerifiedSignature(
        key_id=candidate.key_id,
        nonce=nonce,
        created=datetime.fromtimestamp(times.created, UTC),
        expires=expires,
        valid_until=expires + policy.skew,
        covered=candidate.components,
        form=candidate.form,
        signature_base=base,
    )


def _candidate(request: SignedRequest, keys: Mapping[str, PublicKey]) -> _Candidate:
    form = _form(request)
    inputs = _dictionary(request, "signature-input", COMPONENTS_MAX)
    signatures = _dictionary(request, "signature", 0)
    label, inner_list, key_id = _choose(inputs, keys)
    canonical = form is SignatureForm.RFC_9421
    return _Candidate(
        form=form,
        key_id=key_id,
        key=keys[key_id],
        signature=_signature(signatures, label),
        components=_components(inner_list),
        parameters=inner_list.parameters,
        parameters_text=serialise_inner_list(inner_list) if canonical else inputs[label].text,
    )


def _form(request: SignedRequest) -> SignatureForm:
    version = request.fields.get(VERSION_FIELD)
    if version is None:
        return SignatureForm.RFC_9421
    if version == "15":
        return SignatureForm.DRAFT_15
    raise SignatureVersionUnsupported(VERSION_FIELD, version[:40])


def _dictionary(request: SignedRequest, field: str, items_max: int) -> dict[str, Member]:
    text = request.fields.get(field)
    if text is None:
        raise SignatureMissing(field)
    if len(text) > FIELD_LENGTH_MAX:
        raise SignatureTooLarge(field, FIELD_LENGTH_MAX, "characters")
    try:
        return parse_dictionary(text, members_max=SIGNATURES_MAX, items_max=items_max)
    except TooManyMembers as error:
        raise SignatureTooLarge(field, error.limit, "members") from None
    except StructuredFieldError as error:
        raise SignatureMalformed(field, str(error)) from None


def _choose(inputs: Mapping[str, Member], keys: Mapping[str, PublicKey]) -> tuple[str, InnerList, str]:
    key_ids: list[str] = []
    for label, member in inputs.items():
        if not isinstance(member.value, InnerList):
            raise SignatureMalformed("signature-input", f"{label} must be a list of components in ( )")
        key_id = _text(member.value.parameters, "keyid")
        if key_id is None:
            continue
        if key_id in keys:
            return label, member.value, key_id
        key_ids.append(key_id)
    if not key_ids:
        raise ParameterRefused("keyid", "is missing")
    raise KeyUnknown(key_ids[0])


def _signature(signatures: Mapping[str, Member], label: str) -> bytes:
    member = signatures.get(label)
    if member is None:
        raise SignatureMissing("signature", label)
    if not isinstance(member.value, Item) or not isinstance(member.value.value, bytes):
        raise SignatureMalformed("signature", f"{label} must be base64 between colons")
    return member.value.value


def _components(inner_list: InnerList) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for item in inner_list.items:
        name = _component(item)
        if name in names:
            raise ComponentRepeated(name)
        names[name] = None
    return tuple(names)


def _component(item: Item) -> str:
    name = item.value
    if not isinstance(name, str) or isinstance(name, Token) or _COMPONENT_NAME.fullmatch(name) is None:
        shown = serialise_bare_item(name)[:100]
        raise SignatureMalformed("signature-input", f"{shown} is not a component's name in small letters")
    if item.parameters:
        raise ComponentUnsupported(f"{name} with parameters ({', '.join(item.parameters)[:100]})")
    return name


def _check_algorithm(candidate: _Candidate) -> None:
    algorithm = _text(candidate.parameters, "alg")
    accepted = ALGORITHMS[candidate.key.kind, candidate.form]
    if not accepted or (algorithm is not None and algorithm not in accepted):
        raise AlgorithmRefused(algorithm, candidate.key.kind, accepted)


def _nonce(parameters: Parameters, policy: VerificationPolicy) -> str | None:
    nonce = _text(parameters, "nonce")
    if nonce is None and policy.nonce_required:
        raise ParameterRefused("nonce", "is missing")
    return nonce


def _times(parameters: Parameters, policy: VerificationPolicy) -> _Times:
    created = _seconds(parameters, "created")
    if created is None:
        raise ParameterRefused("created", "is missing")
    latest = created + int(policy.age_max.total_seconds())
    expires = _seconds(parameters, "expires")
    if expires is None:
        return _Times(created, latest)
    if expires < created:
        raise ParameterRefused("expires", "is before created")
    return _Times(created, min(expires, latest))


def _check_time(times: _Times, now: float, policy: VerificationPolicy) -> None:
    skew = int(policy.skew.total_seconds())
    if times.created > now + skew:
        raise CreatedInFuture(times.created, int(now), skew)
    if now > times.deadline + skew:  # to the fraction: from then on the nonce may be forgotten
        raise SignatureExpired(times.deadline, int(now), skew)


def _text(parameters: Parameters, name: str) -> str | None:
    value: BareItem | None = parameters.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or isinstance(value, Token):
        raise ParameterRefused(name, "must be a string in double quotes")
    if not 1 <= len(value) <= TEXT_LENGTH_MAX:
        raise ParameterRefused(name, f"must have 1 to {TEXT_LENGTH_MAX} characters")
    return value


def _seconds(parameters: Parameters, name: str) -> int | None:
    value: BareItem | None = parameters.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise ParameterRefused(name, "must be a whole number of seconds since 1970")
    return value
