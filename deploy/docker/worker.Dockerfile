# The worker processes, beat and Flower; no Flask. The models are part of the image.
FROM python:3.13-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 REMAP_SIGTERM=SIGQUIT
RUN useradd --system --uid 10001 --no-create-home vultus
WORKDIR /srv/vultus

# Another index, and a version without "+cpu", give a build for CUDA.
ARG TORCH="torch==2.13.0+cpu"
ARG TORCH_INDEX="https://download.pytorch.org/whl/cpu"
RUN pip install --no-cache-dir --no-deps --index-url "$TORCH_INDEX" "$TORCH"

COPY deploy/requirements/worker.txt deploy/requirements/
RUN pip install --no-cache-dir --no-deps --require-hashes -r deploy/requirements/worker.txt

COPY models_weights/*.toml models_weights/
COPY models_weights/cohorts models_weights/cohorts
COPY app app
COPY workers workers
RUN python -m workers.fetch_weights

COPY tasks tasks
COPY deploy/flowerconfig.py deploy/

USER vultus
CMD ["python", "-m", "celery", "-A", "tasks.inference_worker", "worker", "--queues", "interactive,inference", \
     "--hostname", "inference@%h", "--pool", "prefork", "--without-gossip", "--without-mingle", \
     "--loglevel", "WARNING"]
