"""The demo: one portfolio order travels from 202 Accepted to its last webhook, and everything is proven at the end.

Real processes on this machine: the service on a PostgreSQL of its own, and a webhook receiver that verifies every
signature with libraries that are not ours. It speaks to them as any client would, over HTTP.
"""
