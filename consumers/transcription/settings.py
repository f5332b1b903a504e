"""Settings of the transcription service."""

from typing import Annotated

from pydantic import Field

from infra.settings import ConsumerSettings


class TranscriptionSettings(ConsumerSettings):
    """How many Whisper models may be loaded at once, and how much memory they may take together."""

    max_models: Annotated[int, Field(ge=1)] = 2
    model_memory_budget_bytes: Annotated[int, Field(gt=0)] | None = None
