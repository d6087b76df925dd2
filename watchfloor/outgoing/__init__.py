"""Webhooks out: what happens to incidents, told to other systems, signed and in order."""
