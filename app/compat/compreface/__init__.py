"""The REST API of CompreFace 1.2.0, over the services of this project."""
