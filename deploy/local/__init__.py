"""Postgres, Redis and every process of the service on one machine, without containers."""
