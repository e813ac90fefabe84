"""Delivery of events to subscribers: batching, signing, sending, the address guard, and when to try again."""
