"""Settings of the analysis service."""

from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from infra.settings import ConsumerSettings


class AnalysisSettings(ConsumerSettings):
    """The optional language model; what an analysis knows otherwise stands in its data files."""

    pii_hash_key: SecretStr | None = None
    """For personal data that the policy hashes; each tenant's key is derived from it. None: it is masked."""
    assistant_url: str | None = None
    """Base of an OpenAI-compatible endpoint that may word summaries, as ``http://llm:8000/v1``. None: nobody."""
    assistant_model: str | None = None
    assistant_key: SecretStr | None = None
    assistant_timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0

    @model_validator(mode="after")
    def _assistant_is_whole(self) -> Self:
        if self.assistant_url is None:
            return self
        if not self.assistant_url.startswith(("http://", "https://")):
            raise ValueError("assistant_url must begin with http:// or https://")
        if not self.assistant_model:
            raise ValueError("assistant_url needs assistant_model, the model's name at that endpoint")
        return self
