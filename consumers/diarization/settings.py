"""Settings of the diarization service."""

from typing import Annotated

from pydantic import Field

from infra.settings import ConsumerSettings


class DiarizationSettings(ConsumerSettings):
    """How many pipelines may be loaded at once."""

    max_pipelines: Annotated[int, Field(ge=1)] = 2
