"""Timed services on the real servers, one set for all fault tests; each test leaves them running."""

from collections.abc import Iterator

import pytest

from infra.real_stack import RealStack
from ops.bench.fault_rig.rig import FaultRig
from ops.bench.fault_rig.scenarios import Stage

AWAY_S = 20.0


@pytest.fixture(scope="session")
def stage(real_stack: RealStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with FaultRig(real_stack, tmp_path_factory.mktemp("faults")) as rig:
        yield Stage(rig=rig, stack=real_stack, pause_s=AWAY_S)


@pytest.fixture
def rig(stage: Stage) -> FaultRig:
    return stage.rig
