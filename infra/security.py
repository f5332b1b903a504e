"""How connections to broker, store and registry are secured: what is refused, and the options for their clients."""

import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from infra.errors import ErrorCode, Fatal

if TYPE_CHECKING:
    from infra.settings import Settings


def faults(settings: "Settings") -> Iterator[str]:
    """Why these settings are contradictory or would show a secret to the network; nothing when they are sound."""
    yield from _broker_faults(settings)
    yield from _store_faults(settings)
    yield from _registry_faults(settings)


def ssl_context(
    *, ca_file: Path | None, cert_file: Path | None, key_file: Path | None, key_password: SecretStr | None
) -> ssl.SSLContext:
    """A client's context that checks the server's certificate and its host name.

    ``ca_file`` replaces the system's authorities. Certificate and key may stand in one PEM file. Fatal when a
    file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
        if cert_file is not None:
            # Without a password OpenSSL would ask for one on the terminal.
            password = key_password.get_secret_value() if key_password else ""
            context.load_cert_chain(cert_file, key_file, password)
    except (OSError, ValueError) as error:
        names = ", ".join(str(file) for file in (ca_file, cert_file, key_file) if file)
        message = (
            f"TLS cannot be set up ({type(error).__name__}); check certificate, key and key password: {names}"
        )
        raise Fatal(ErrorCode.RESOURCE, message) from error
    return context


def kafka_options(settings: "Settings") -> dict[str, Any]:
    """The keyword arguments that aiokafka's clients take for TLS and SASL."""
    protocol = settings.kafka_security_protocol
    options: dict[str, Any] = {"security_protocol": protocol}
    if protocol.endswith("SSL"):
        options["ssl_context"] = ssl_context(
            ca_file=settings.kafka_ca_file,
            cert_file=settings.kafka_cert_file,
            key_file=settings.kafka_key_file,
            key_password=settings.kafka_key_password,
        )
    if protocol.startswith("SASL") and settings.kafka_password is not None:
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_username
        options["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    return options


def mongo_options(settings: "Settings") -> dict[str, Any]:
    """The keyword arguments that the store's client takes for TLS and authentication."""
    options: dict[str, Any] = {}
    if settings.mongo_username is not None and settings.mongo_password is not None:
        options["username"] = settings.mongo_username
        options["password"] = settings.mongo_password.get_secret_value()
    if settings.mongo_ca_file is not None:
        options["tlsCAFile"] = str(settings.mongo_ca_file)
    if settings.mongo_cert_file is not None:
        options["tlsCertificateKeyFile"] = str(settings.mongo_cert_file)
    if settings.mongo_ca_file or settings.mongo_cert_file:
        options["tls"] = True
    return options


def _broker_faults(settings: "Settings") -> Iterator[str]:
    protocol = settings.kafka_security_protocol
    files = settings.kafka_ca_file or settings.kafka_cert_file or settings.kafka_key_file
    is_sasl, is_tls = protocol.startswith("SASL"), protocol.endswith("SSL")
    if is_sasl and not settings.kafka_sasl_mechanism:
        yield f"kafka_security_protocol {protocol} needs kafka_sasl_mechanism"
    if is_sasl and not (settings.kafka_username and _has(settings.kafka_password)):
        yield f"kafka_security_protocol {protocol} needs kafka_username and kafka_password"
    if not is_sasl and (settings.kafka_sasl_mechanism or settings.kafka_username or settings.kafka_password):
        yield f"kafka_security_protocol {protocol} uses no user and password: set SASL_SSL or leave them out"
    if not is_tls and files:
        yield f"kafka_security_protocol {protocol} uses no certificates: set SSL or SASL_SSL or leave them out"
    if is_sasl and not is_tls and not _are_loopback(settings.kafka_bootstrap):
        yield "kafka_security_protocol SASL_PLAINTEXT would show the password to the network: set SASL_SSL"
    if (settings.kafka_key_file or settings.kafka_key_password) and not settings.kafka_cert_file:
        yield "kafka_key_file and kafka_key_password need kafka_cert_file"


def _store_faults(settings: "Settings") -> Iterator[str]:
    if bool(settings.mongo_username) != _has(settings.mongo_password):
        yield "mongo_username and mongo_password go together"
    if settings.mongo_username and "@" in settings.mongo_url.get_secret_value():
        yield "mongo_url has a user already: leave out mongo_username and mongo_password"


def _registry_faults(settings: "Settings") -> Iterator[str]:
    if bool(settings.registry_username) != _has(settings.registry_password):
        yield "registry_username and registry_password go together"
    url = urlsplit(settings.registry_url or "")
    if settings.registry_url is not None and url.scheme not in {"http", "https"}:
        yield "registry_url must begin with http:// or https://"
    if (
        url.scheme == "http"
        and settings.registry_password
        and not _are_loopback(url.netloc.rpartition("@")[2])
    ):
        yield "registry_url by http would show the password to the network: use https"
    if settings.registry_ca_file and url.scheme != "https":
        yield "registry_ca_file needs a registry_url by https"


def _has(secret: SecretStr | None) -> bool:
    return secret is not None and bool(secret.get_secret_value())


def _are_loopback(addresses: str) -> bool:
    """Whether no network sees what is sent to these addresses, ``host`` or ``host:port`` each."""
    return all(_is_loopback(urlsplit(f"//{address.strip()}").hostname) for address in addresses.split(","))


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False
