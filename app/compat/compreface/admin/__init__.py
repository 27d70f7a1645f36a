"""CompreFace's ``/admin``, as far as scripts manage applications and services by it."""
