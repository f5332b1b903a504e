"""All analysers, in the order in which they run. A new feature is a new line here."""

from consumers.analysis.acts import ActAnalyser
from consumers.analysis.categories import CategoryAnalyser
from consumers.analysis.escalation import EscalationAnalyser
from consumers.analysis.extract import SummaryAnalyser
from consumers.analysis.keywords import KeywordAnalyser
from consumers.analysis.outcome import OutcomeAnalyser
from consumers.analysis.personal_data.analyser import PersonalDataAnalyser
from consumers.analysis.quality.analyser import QualityAnalyser
from consumers.analysis.sentiment import SentimentAnalyser
from consumers.analysis.timing import TimingAnalyser
from consumers.analysis.topics import TopicAnalyser
from consumers.analysis.view import Analyser

ANALYSERS: tuple[Analyser, ...] = (
    TimingAnalyser(),
    SentimentAnalyser(),
    ActAnalyser(),
    EscalationAnalyser(),
    QualityAnalyser(),
    CategoryAnalyser(),
    OutcomeAnalyser(),
    TopicAnalyser(),
    KeywordAnalyser(),
    SummaryAnalyser(),
    PersonalDataAnalyser(),
)
