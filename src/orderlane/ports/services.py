"""All that the API needs of the outside world, handed over in one piece."""

from msgspec import Struct

from orderlane.ports.acceptance import PortfolioOrderAcceptance
from orderlane.ports.clients import CredentialSource, Nonces
from orderlane.ports.figures import Figures
from orderlane.ports.store import Store
from orderlane.ports.webhooks import Webhooks
from orderlane.sources import Sources


class ApiServices(Struct, frozen=True, kw_only=True):
    """The ports of the API, and the sources of time, ids and randomness."""

    store: Store
    acceptance: PortfolioOrderAcceptance
    credentials: CredentialSource
    nonces: Nonces
    figures: Figures
    webhooks: Webhooks
    sources: Sources
