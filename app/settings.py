"""Every setting of the service, and the only reader of the environment.

A variable is the field's name in capitals behind ``VULTUS_``. A secret may also come from a file
whose path stands in the variable with ``_FILE`` behind it. Unknown ``VULTUS_`` variables are
refused, so that a misspelt one is noticed, and all problems are reported at once.
"""

from __future__ import annotations

import os
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.domain.errors import ConfigurationError

_PREFIX = "VULTUS_"


def _postgres_url(url: SecretStr) -> SecretStr:
    scheme, _, rest = url.get_secret_value().partition("://")
    if scheme not in {"postgres", "postgresql", "postgresql+psycopg"} or not rest:
        raise ValueError("Must look like postgresql://user:password@host:port/database.")
    return SecretStr(f"postgresql+psycopg://{rest}")


def _redis_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("redis://", "rediss://", "redis+socket://")):
        raise ValueError("Must look like redis://:password@host:port/0.")
    return url


class Settings(BaseSettings):
    """The configuration of one process."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="forbid")

    # Servers
    database_url: Annotated[SecretStr, AfterValidator(_postgres_url)] = Field(
        description="Postgres with pgvector 0.8 or later: postgresql://user:password@host/database."
    )
    redis_url: Annotated[SecretStr, AfterValidator(_redis_url)] = Field(
        description="Redis 6.2 or later, the broker of the queue: redis://:password@host:6379/0."
    )
    secret_key: SecretStr = Field(
        min_length=32,
        description="At least 32 random characters; encrypts cursors and seals the audit trail.",
    )
    base_url: str = Field(
        default="http://127.0.0.1:8000",
        description="How clients reach the service; used in links and problem types.",
    )
    database_pool_size: int = Field(
        default=16, ge=1, le=200, description="Connections that one process keeps at most."
    )

    # Models
    model: str = Field(
        default="facenet-msceleb-128", description="The embedding model, by its manifest id."
    )
    other_models: int = Field(
        default=1,
        ge=1,
        le=8,
        description="Other models that one inference process keeps, for collections that have one.",
    )
    engine: Literal["auto", "torch", "openvino"] = Field(
        default="auto",
        description="What runs the networks; auto takes OpenVINO on a CPU and torch on CUDA.",
    )
    precision: Literal["auto", "fp32", "bf16", "int8"] = Field(
        default="auto",
        description="Arithmetic; auto takes bf16 and int8 where the CPU computes them natively.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where torch runs; auto takes CUDA when there is one."
    )
    threads: int = Field(
        default=1, ge=1, le=64, description="Threads of one inference process; add processes first."
    )
    weights_dir: Path = Field(
        default=Path("models_weights"), description="The folder with manifest.toml and files/."
    )
    detection_threshold: float = Field(
        default=0.7, ge=0, le=1, description="Least confidence of the last detection stage."
    )
    min_face_size: int = Field(
        default=40, ge=12, le=1000, description="Side in pixels of the smallest face looked for."
    )

    # Uploads
    max_upload_bytes: int = Field(
        default=10 * 2**20, ge=1024, description="Largest image file that is accepted, in bytes."
    )
    max_pixels: int = Field(
        default=25_000_000,
        ge=1024,
        description="Pixels that are looked at; larger images are reduced to so many.",
    )
    max_images: int = Field(
        default=64, ge=1, le=1000, description="Images that one submit may carry at most."
    )
    max_request_bytes: int = Field(
        default=64 * 2**20, ge=1024, description="Largest request that is accepted, in bytes."
    )

    # Jobs
    lease_s: int = Field(
        default=30,
        ge=3,
        le=3600,
        description="A worker that is silent for so long has lost its job.",
    )
    max_losses: int = Field(
        default=3, ge=1, description="Lost processes after which a job is given up as dead."
    )
    max_attempts: int = Field(
        default=5, ge=1, description="Attempts of any kind after which a job is given up as dead."
    )
    republish_s: float = Field(
        default=10,
        gt=0,
        le=86_400,
        description="Age of a queued job at which its message counts as lost; doubles each time.",
    )
    sweep_interval_s: float = Field(
        default=2,
        gt=0,
        le=3600,
        description="How often lost jobs and due deliveries are looked for.",
    )
    pulse_interval_s: float = Field(
        default=10,
        gt=0,
        le=60,
        description="How often the workers report that they work; four missed reports are a fault.",
    )
    queue_alarm_s: float = Field(
        default=300,
        gt=0,
        le=86_400,
        description="A job that waits longer for its first attempt makes the queue one that fails.",
    )
    batch_size: int = Field(
        default=8, ge=1, le=64, description="Images that a worker takes at once from a backlog."
    )
    batch_time_limit_s: float = Field(
        default=60,
        gt=0,
        le=3600,
        description="Seconds after which a worker that is stuck in one batch is ended.",
    )
    worker_memory_mb: int = Field(
        default=3072, ge=512, description="Memory that one inference process may ask for."
    )
    job_retention_h: int = Field(
        default=72,
        ge=1,
        le=876_000,
        description="Hours for which a finished job and its result are kept.",
    )
    max_waiting: int = Field(
        default=20_000,
        ge=1,
        description="Images that may wait in all; what comes beyond is answered 503.",
    )
    max_waiting_per_tenant: int = Field(
        default=10_000,
        ge=1,
        description="Images of one tenant that may wait; what comes beyond is answered 429.",
    )
    max_waiting_h: int = Field(
        default=24,
        ge=1,
        le=876_000,
        description="Hours after which a job that still waits ends unrun.",
    )
    erasure_window_h: float = Field(
        default=24,
        gt=0,
        le=876_000,
        description="Hours in which the bytes of what was erased are gone.",
    )
    audit_retention_days: int = Field(
        default=730,
        ge=31,
        le=36_500,
        description="Days for which records of the audit trail are kept.",
    )
    max_wait_s: int = Field(
        default=60, ge=0, le=600, description="Longest time a request may wait for its job."
    )

    # Other systems' APIs
    compreface_wait_s: float = Field(
        default=15, gt=0, le=600, description="Time in which a call of CompreFace's API answers."
    )

    # Webhooks
    webhook_timeout_s: float = Field(
        default=15, gt=0, le=60, description="Time in which an endpoint has to answer."
    )
    webhook_allow_http: bool = Field(
        default=False, description="Whether endpoints may be plain http; for tests and intranets."
    )
    webhook_allowed_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(),
        description='Private networks that endpoints may be in, as JSON: ["10.1.0.0/16"].',
    )

    # Operation
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="The least level that is logged."
    )

    @classmethod
    def load(cls) -> Settings:
        """Read the environment.

        Raises: ConfigurationError: something is missing, wrong or unknown; the message lists all of
        it, and never a value, since a value may be a secret.
        """
        problems: list[str] = []
        known = {f"{_PREFIX}{name.upper()}" for name in cls.model_fields}
        from_files: dict[str, str] = {}
        for variable, value in os.environ.items():
            if not variable.startswith(_PREFIX) or variable in known:
                continue
            plain = variable.removesuffix("_FILE")
            if plain == variable or plain not in known:
                problems.append(f"{variable}: No such setting.")
                continue
            try:
                content = Path(value).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                problems.append(f"{variable}: The file cannot be read.")
            else:
                from_files[plain.removeprefix(_PREFIX).lower()] = content
        try:
            settings = cls(**from_files)  # type: ignore[arg-type]
        except ValidationError as error:
            for fault in error.errors(include_input=False, include_url=False):
                where = "_".join(str(part) for part in fault["loc"][:1]).upper()
                what = fault["msg"].removeprefix("Value error, ").rstrip(".")
                problems.append(f"{_PREFIX}{where}: {what}.")
        if problems:
            raise ConfigurationError(" ".join(sorted(problems)))
        return settings
