"""Who calls, and whether they may: client credentials, access tokens, signed requests, rate limits."""
