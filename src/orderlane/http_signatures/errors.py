"""Why a signature, a key or a secret is refused, as small types that hold the data of the refusal."""

from typing import ClassVar


class SignatureRefused(Exception):
    """The signature is not accepted.

    Attributes:
        check: the check that refused, as a stable name for programs.
        component: the component or header field at fault, when there is one.
        signature_base: the base that the verifier computed, once it could. It holds the request's
            `authorization`: show it in a development setting only.
    """

    check: ClassVar[str] = "signature"
    component: str | None = None
    signature_base: str | None = None

    def __str__(self) -> str:
        return type(self).__doc__ or type(self).__name__


class SignatureMissing(SignatureRefused):
    """A header field that a signed message needs is not there."""

    check = "signature_missing"

    def __init__(self, component: str, label: str | None = None) -> None:
        super().__init__(component, label)
        self.component, self.label = component, label

    def __str__(self) -> str:
        if self.label is None:
            return f"the header field {self.component} is missing"
        return f"the header field {self.component} has no member {self.label}"


class SignatureMalformed(SignatureRefused):
    """A header field or a component cannot be read."""

    check = "signature_malformed"

    def __init__(self, component: str, reason: str) -> None:
        super().__init__(component, reason)
        self.component, self.reason = component, reason

    def __str__(self) -> str:
        return f"{self.component} cannot be read: {self.reason}"


class SignatureTooLarge(SignatureRefused):
    """A bound on what is worked through before anything is proven."""

    check = "signature_too_large"

    def __init__(self, component: str, limit: int, unit: str) -> None:
        super().__init__(component, limit, unit)
        self.component, self.limit, self.unit = component, limit, unit

    def __str__(self) -> str:
        return f"{self.component} holds more than {self.limit} {self.unit}"


class SignatureVersionUnsupported(SignatureRefused):
    """The client names a version of the signature scheme that is not spoken here."""

    check = "signature_version"

    def __init__(self, component: str, version: str) -> None:
        super().__init__(component, version)
        self.component, self.version = component, version

    def __str__(self) -> str:
        return f"{self.component} must be 15, or absent for RFC 9421; it is {self.version!r}"


class KeyUnknown(SignatureRefused):
    """No key of this client has that id."""

    check = "key_unknown"

    def __init__(self, key_id: str) -> None:
        super().__init__(key_id)
        self.key_id = key_id

    def __str__(self) -> str:
        return f"no key with keyid {self.key_id!r} is registered for this client"


class AlgorithmRefused(SignatureRefused):
    """The algorithm does not fit the key and the form of the signature."""

    check = "algorithm"

    def __init__(self, algorithm: str | None, key_kind: str, accepted: tuple[str, ...]) -> None:
        super().__init__(algorithm, key_kind, accepted)
        self.algorithm, self.key_kind, self.accepted = algorithm, key_kind, accepted

    def __str__(self) -> str:
        if not self.accepted:
            return f"RFC 9421 has no algorithm for {self.key_kind}: sign with upvest-signature-version: 15"
        return f"alg {self.algorithm!r} is not {' or '.join(self.accepted)}, as the key ({self.key_kind}) needs"


class ParameterRefused(SignatureRefused):
    """A signature parameter is missing or wrong."""

    check = "parameter"

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(parameter, reason)
        self.parameter, self.reason = parameter, reason

    def __str__(self) -> str:
        return f"the signature parameter {self.parameter} {self.reason}"


class ComponentUnsupported(SignatureRefused):
    """The signature covers something that this verifier does not know."""

    check = "component_unsupported"

    def __init__(self, component: str) -> None:
        super().__init__(component)
        self.component = component

    def __str__(self) -> str:
        return f"the component {self.component} is not supported"


class ComponentRepeated(SignatureRefused):
    """The signature covers one component twice."""

    check = "component_repeated"

    def __init__(self, component: str) -> None:
        super().__init__(component)
        self.component = component

    def __str__(self) -> str:
        return f"the component {self.component} is covered twice"


class ComponentAbsent(SignatureRefused):
    """The signature covers a header field that the message does not have."""

    check = "component_absent"

    def __init__(self, component: str) -> None:
        super().__init__(component)
        self.component = component

    def __str__(self) -> str:
        return f"the signature covers {self.component}, which the request does not have"


class ComponentNotCovered(SignatureRefused):
    """The signature leaves out a component that it must cover."""

    check = "component_not_covered"

    def __init__(self, component: str) -> None:
        super().__init__(component)
        self.component = component

    def __str__(self) -> str:
        return f"the signature must cover {self.component}"


class CreatedInFuture(SignatureRefused):
    """The signature was created later than the verifier's clock allows."""

    check = "created_in_future"

    def __init__(self, created: int, now: int, skew: int) -> None:
        super().__init__(created, now, skew)
        self.created, self.now, self.skew = created, now, skew

    def __str__(self) -> str:
        return f"created {self.created} is more than {self.skew} s after the server's clock {self.now}"


class SignatureExpired(SignatureRefused):
    """The signature is too old."""

    check = "expired"

    def __init__(self, deadline: int, now: int, skew: int) -> None:
        super().__init__(deadline, now, skew)
        self.deadline, self.now, self.skew = deadline, now, skew

    def __str__(self) -> str:
        return f"the signature ended at {self.deadline}, more than {self.skew} s before the server's clock {self.now}"


class DigestRefused(SignatureRefused):
    """The body is not the one that the digest describes."""

    check = "digest"
    component = "content-digest"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"content-digest {self.reason}"


class SignatureMismatch(SignatureRefused):
    """The signature does not fit the signature base and the key."""

    check = "signature_mismatch"

    def __init__(self, key_id: str) -> None:
        super().__init__(key_id)
        self.key_id = key_id

    def __str__(self) -> str:
        return f"the signature does not fit the request and the key {self.key_id!r}"


class KeyRefused(ValueError):
    """A key or a secret cannot be used; the message says what would be right."""
