"""Requests signed by hand in the draft's form: the signature base is put together here with plain strings."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha512
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from orderlane.ports.clients import ClientKey


@dataclass(frozen=True)
class Signer:
    """A client's key pair."""

    key_id: str
    key: Any

    @classmethod
    def new(cls, key_id: str = "key-1", curve: Any = None) -> "Signer":
        return cls(key_id, ec.generate_private_key(curve or ec.SECP256R1()))

    def client_key(self, created_at: datetime, **fields: Any) -> ClientKey:
        pem = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return ClientKey(key_id=self.key_id, public_key=pem.decode(), created_at=created_at, **fields)

    def sign(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        *,
        now: datetime,
        nonce: str,
        body: bytes = b"",
        covered: tuple[str, ...] | None = None,
        lifetime_seconds: int = 10,
    ) -> dict[str, str]:
        """All headers of the request. Covers everything, unless `covered` says what."""
        fields = {name.lower(): value for name, value in headers.items()}
        if body:
            fields["content-digest"] = f"sha-512=:{b64encode(sha512(body).digest()).decode()}:"
        path, _, query = target.partition("?")
        values = {"@method": method, "@path": path, **({"@query": f"?{query}"} if query else {}), **fields}
        names = tuple(values) if covered is None else covered
        created = int(now.timestamp())
        listed = " ".join(f'"{name}"' for name in names)
        parameters = (
            f'({listed});keyid="{self.key_id}";nonce="{nonce}";created={created};expires={created + lifetime_seconds}'
        )
        lines = [f'"{name}": {values[name]}' for name in names]
        base = "\n".join([*lines, f'"@signature-params": {parameters}'])
        signature = self.key.sign(base.encode(), ec.ECDSA(hashes.SHA512()))
        return fields | {
            "upvest-signature-version": "15",
            "signature-input": f"sig1={parameters}",
            "signature": f"sig1=:{b64encode(signature).decode()}:",
        }
