"""Settings of the analysis service."""

from infra.settings import ConsumerSettings


class AnalysisSettings(ConsumerSettings):
    """Nothing beyond what every service has: what an analysis knows stands in its data files."""
