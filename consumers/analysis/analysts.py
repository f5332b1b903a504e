"""All analysers, in the order in which they run. A new feature is a new line here."""

from consumers.analysis.sentiment import SentimentAnalyser
from consumers.analysis.timing import TimingAnalyser
from consumers.analysis.view import Analyser

ANALYSERS: tuple[Analyser, ...] = (TimingAnalyser(), SentimentAnalyser())
