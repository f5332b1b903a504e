"""TLS and authentication against the durable store, through the settings that an operator would set."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psutil
import pytest
from pymongo import MongoClient
from pymongo.errors import ServerSelectionTimeoutError

from infra.errors import Fatal, Unavailable
from infra.security import mongo_options
from infra.servers import HOST, Ports, ServerStack
from infra.settings import Settings
from infra.stack import document_store, mongo_url
from infra.store import Store
from tests.real.certificates import Certificates, make_certificates

pytestmark = pytest.mark.real

_ADMIN = "callytics-service"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure_store(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[ServerStack]:
    """A store that was open while its user was made and is closed now."""
    folder = tmp_path_factory.mktemp("secure-store")
    with ServerStack(lambda: [document_store()], data_dir=folder) as open_store:
        _make_user(mongo_url(open_store.ports("store")))
    tls = ["--tls-cert-file", str(certificates.server), "--tls-key-file", str(certificates.server)]
    closed = replace(document_store("--auth", *tls), answers=lambda ports: _accepts(ports, certificates))
    with ServerStack(lambda: [closed], data_dir=folder) as stack:
        yield stack


def _make_user(url: str) -> None:
    with MongoClient[dict[str, Any]](url) as client:
        roles = [{"role": "readWrite", "db": "callytics"}]
        client.admin.command("createUser", _ADMIN, pwd="right", roles=roles)  # noqa: S106 -- of a store that lives for this test


def _accepts(ports: Ports, certificates: Certificates) -> bool:
    with MongoClient[dict[str, Any]](
        mongo_url(ports), tls=True, tlsCAFile=str(certificates.authority), serverSelectionTimeoutMS=1000
    ) as client:
        return bool(client.admin.command("hello").get("ok"))


def _settings(store: ServerStack, **more: Any) -> Settings:
    return Settings.model_validate({"mongo_url": mongo_url(store.ports("store")), **more})


async def _ping(settings: Settings) -> None:
    store = Store(settings, timeout_ms=1_500)
    try:
        await store.prepare()
        await store.ping()
    finally:
        store.close()


async def test_a_user_with_password_over_tls_is_served(
    secure_store: ServerStack, certificates: Certificates
) -> None:
    settings = _settings(
        secure_store,
        mongo_ca_file=certificates.authority,
        mongo_username=_ADMIN,
        mongo_password="right",  # noqa: S106 -- of a store that lives for this test
    )
    await _ping(settings)


@pytest.mark.parametrize("password", ["wrong", None])
async def test_a_wrong_password_and_no_password_are_refused_and_no_call_is_to_blame(
    secure_store: ServerStack, certificates: Certificates, password: str | None
) -> None:
    user = {"mongo_username": _ADMIN, "mongo_password": password} if password else {}
    store = Store(_settings(secure_store, mongo_ca_file=certificates.authority, **user), timeout_ms=1_500)
    try:
        with pytest.raises(Fatal, match="check the user, the password and the roles"):
            await store.find("call-1")
    finally:
        store.close()


async def test_without_tls_the_store_does_not_answer(secure_store: ServerStack) -> None:
    store = Store(_settings(secure_store), timeout_ms=1_500)
    try:
        with pytest.raises(Unavailable):
            await store.ping()
    finally:
        store.close()


def test_a_store_of_an_unknown_authority_is_refused(
    secure_store: ServerStack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = make_certificates(tmp_path_factory.mktemp("other"))
    settings = _settings(secure_store, mongo_ca_file=other.authority)
    with (
        MongoClient[dict[str, Any]](
            settings.mongo_url.get_secret_value(), serverSelectionTimeoutMS=1_500, **mongo_options(settings)
        ) as client,
        pytest.raises(ServerSelectionTimeoutError, match="certificate"),
    ):
        client.admin.command("ping")


def test_the_store_listens_on_this_machine_only(secure_store: ServerStack) -> None:
    sockets = psutil.Process(secure_store.pids["store"]).net_connections("tcp")
    assert {s.laddr.ip for s in sockets if s.status == psutil.CONN_LISTEN} == {HOST}
