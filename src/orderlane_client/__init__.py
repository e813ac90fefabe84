"""Client of the Orderlane API and receiver of its webhooks; stands alone, imports nothing from the service."""

from orderlane_client.client import OrderlaneClient
from orderlane_client.errors import ClientError, Problem, ServiceUnreachable
from orderlane_client.receiver import ReceivedEvent, WebhookReceiver
from orderlane_client.resources import PortfolioOrder, WebhookEvent
from orderlane_client.signatures import ReceivedRequest, WebhookRefused, WebhookVerifier
from orderlane_client.signing import KeyUnusable, RequestSigner, SignatureForm

__all__ = [
    "ClientError",
    "KeyUnusable",
    "OrderlaneClient",
    "PortfolioOrder",
    "Problem",
    "ReceivedEvent",
    "ReceivedRequest",
    "RequestSigner",
    "ServiceUnreachable",
    "SignatureForm",
    "WebhookEvent",
    "WebhookReceiver",
    "WebhookRefused",
    "WebhookVerifier",
]
