"""Signatures by which a receiver knows a delivery for ours (Standard Webhooks, symmetric scheme ``v1``)."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from uuid import UUID


class Signer:
    """Derives each webhook's secret from the installation's keys, so that none is stored, and signs with it.

    The first of ``keys`` is the present one; while a former one is still known its signature is sent along.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = keys

    def secret(self, webhook_id: UUID, version: int) -> str:
        """What the receiver verifies with: ``whsec_`` and 32 bytes in base64."""
        return f"whsec_{base64.b64encode(_derived(self._keys[0], webhook_id, version)).decode()}"

    def headers(
        self, webhook_id: UUID, version: int, message_id: UUID, timestamp: int, body: bytes
    ) -> Mapping[str, str]:
        """The headers of one attempt; ``timestamp`` is in Unix seconds, ``message_id`` the same at every attempt."""
        signed = f"{message_id}.{timestamp}.".encode() + body
        signatures = [
            base64.b64encode(hmac.digest(_derived(key, webhook_id, version), signed, "sha256")).decode()
            for key in self._keys
        ]
        return {
            "webhook-id": str(message_id),
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
        }


def _derived(key: bytes, webhook_id: UUID, version: int) -> bytes:
    return hmac.digest(key, webhook_id.bytes + version.to_bytes(4, "big"), "sha256")
