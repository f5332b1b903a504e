"""TLS to the schema registry, through the settings that an operator would set."""

import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import pytest

from infra.errors import Unavailable
from infra.maven import distributions
from infra.real_stack import RealStack, registry_url, schema_registry
from infra.registry import SchemaRegistry, registry_subjects
from infra.servers import HOST, Ports, ServerStack
from infra.settings import Settings, default_cache
from schemas.codec import versions
from tests.real.certificates import Certificates, make_certificates

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure_registry(
    real_stack: RealStack, tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[str]:
    """The address of a registry that speaks TLS only; ``real_stack`` has fetched its program."""
    assert real_stack.addresses.registry_url
    plain = schema_registry(distributions(default_cache() / "servers"))

    def environment(ports: Ports) -> dict[str, str]:
        return {
            **plain.environment(ports),
            "QUARKUS_HTTP_SSL_PORT": str(ports[0]),
            "QUARKUS_HTTP_PORT": str(ports[1]),
            "QUARKUS_HTTP_INSECURE_REQUESTS": "disabled",
            "QUARKUS_HTTP_SSL_CERTIFICATE_FILES": str(certificates.server),
            "QUARKUS_HTTP_SSL_CERTIFICATE_KEY_FILES": str(certificates.server),
        }

    def answers(ports: Ports) -> bool:
        trusted = ssl.create_default_context(cafile=str(certificates.authority))
        try:
            with urllib.request.urlopen(
                f"https://{HOST}:{ports[0]}/health/ready", timeout=5, context=trusted
            ) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    program = replace(plain, environment=environment, answers=answers, port_count=2)
    folder = tmp_path_factory.mktemp("secure-registry")
    with ServerStack(lambda: [program], data_dir=folder, start_s=120) as stack:
        yield registry_url(stack.ports("registry")).replace("http://", "https://")


def test_a_registry_of_a_trusted_authority_is_used(secure_registry: str, certificates: Certificates) -> None:
    settings = Settings(registry_url=secure_registry, registry_ca_file=certificates.authority)
    subject, schema = registry_subjects()["call-ended"], versions("call-ended")[-1]
    with SchemaRegistry(settings) as registry:
        registry.register(subject, schema)
        assert registry.id_of(subject, schema) is not None


def test_a_registry_of_an_unknown_authority_is_refused(secure_registry: str) -> None:
    with SchemaRegistry(Settings(registry_url=secure_registry)) as registry, pytest.raises(Unavailable):
        registry.versions_of("calls.ended-value")
