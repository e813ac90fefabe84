"""Client of the Orderlane API and receiver of its webhooks; stands alone, imports nothing from the service."""

from orderlane_client.client import OrderlaneClient
from orderlane_client.errors import ClientError, Problem, ServiceUnreachable
from orderlane_client.receiver import ReceivedEvent, WebhookReceiver
from orderlane_client.resources import PortfolioOrder, WebhookEvent
from orderlane_client.signatures import ReceivedRequest, WebhookRefused, WebhookVerifier

__all__ = [
    "ClientError",
    "OrderlaneClient",
    "PortfolioOrder",
    "Problem",
    "ReceivedEvent",
    "ReceivedRequest",
    "ServiceUnreachable",
    "WebhookEvent",
    "WebhookReceiver",
    "WebhookRefused",
    "WebhookVerifier",
]
