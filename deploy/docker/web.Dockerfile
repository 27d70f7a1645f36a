# The web process and the command line; no torch, no model code.
FROM python:3.13-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=2
RUN useradd --system --uid 10001 --no-create-home vultus
WORKDIR /srv/vultus

COPY deploy/requirements/web.txt deploy/requirements/
RUN pip install --no-cache-dir --no-deps --require-hashes -r deploy/requirements/web.txt

COPY models_weights/*.toml models_weights/
COPY app app

USER vultus
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
STOPSIGNAL SIGINT
CMD ["python", "-m", "app.server", "--listen=0.0.0.0:8000"]
