"""The one door to the rules: an account's state and a message in, a decision out. One module per message, no I/O."""
