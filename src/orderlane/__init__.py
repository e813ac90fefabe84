"""Orderlane, a self-hosted portfolio-order service.

A client posts one order for a whole portfolio; Orderlane splits it into individual orders, executes them at a
venue and tells the client of every state transition.
"""
