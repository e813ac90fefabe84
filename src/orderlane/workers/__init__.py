"""The processes that move everything on: lane worker, venue gateway, webhook sender, timers."""
