"""Webhooks: a store's events sent to addresses of its choice, signed, repeated until they arrive or are given up."""
