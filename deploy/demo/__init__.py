"""The whole service shown on real people: a client that knows nothing but the REST API."""
