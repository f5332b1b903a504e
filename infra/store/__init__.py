"""The document store. Every motor call of the project stands in this package.

Collections: ``assemblies`` holds the parts of calls that wait for each other, ``calls`` the newest revision of
each call's document, ``call_revisions`` every run's, ``stage_results`` what stages need not do again, ``replays``
the books of replays. Assemblies and stage results expire. Writes are majority and journalled; all are idempotent.
"""

from infra.store.assemblies import ASSEMBLY_LIFETIME, Assembly
from infra.store.database import CallKey
from infra.store.documents import Body, Newest
from infra.store.replays import Replay, ReplayState, Selection
from infra.store.results import StageResults
from infra.store.store import Store

__all__ = [
    "ASSEMBLY_LIFETIME",
    "Assembly",
    "Body",
    "CallKey",
    "Newest",
    "Replay",
    "ReplayState",
    "Selection",
    "StageResults",
    "Store",
]
