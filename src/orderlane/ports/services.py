"""All that the API needs of the outside world, handed over in one piece."""

from dataclasses import dataclass

from orderlane.ports.acceptance import PortfolioOrderAcceptance
from orderlane.ports.clients import CredentialSource, Nonces
from orderlane.ports.figures import Figures
from orderlane.ports.store import Store
from orderlane.ports.webhooks import Webhooks
from orderlane.sources import Sources


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServices:
    """The ports of the API, and the sources of time, ids and randomness."""

    store: Store
    acceptance: PortfolioOrderAcceptance
    credentials: CredentialSource
    nonces: Nonces
    figures: Figures
    webhooks: Webhooks
    sources: Sources
