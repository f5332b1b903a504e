"""What an event's URI may and may not make the service read."""

import os
import socket
from pathlib import Path

import pytest

from infra.audio.policy import Resolver, is_public, permitted_addresses, split_uri
from infra.audio.remote import read_limited
from infra.audio.sources import RecordingPolicy, read_recording
from infra.errors import ErrorCode, Poison, Retryable

PUBLIC = "93.184.216.34"


def no_names(host: str, port: int) -> tuple[str, ...]:
    pytest.fail(f"the name service was asked for {host}:{port}")


def resolves_to(*addresses: str) -> Resolver:
    return lambda _host, _port: addresses


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "calls").mkdir()
    (tmp_path / "secret.wav").write_bytes(b"secret")
    (tmp_path / "calls" / "a b.wav").write_bytes(b"audio")
    return tmp_path / "calls"


@pytest.fixture
def policy(root: Path) -> RecordingPolicy:
    return RecordingPolicy(allowed_roots=(root,), max_bytes=100, timeout_s=1.0)


def code_of(uri: str, policy: RecordingPolicy) -> ErrorCode:
    with pytest.raises(Poison) as caught:
        read_recording(uri, policy, resolve=no_names)
    return caught.value.code


def test_a_file_below_a_root_is_read_by_path_and_by_uri(root: Path, policy: RecordingPolicy) -> None:
    assert read_recording(f"{root}/a b.wav", policy) == b"audio"
    assert read_recording(f"file://{root}/a%20b.wav", policy) == b"audio"
    assert read_recording(f"FILE://localhost{root}/a%20b.wav", policy) == b"audio"


@pytest.mark.parametrize(
    "tail",
    [
        "../secret.wav",
        "%2e%2e/secret.wav",
        "..%2fsecret.wav",
        "./../calls/../secret.wav",
        "%2E%2E%2Fsecret.wav",
    ],
)
def test_no_way_of_writing_dots_leaves_the_root(root: Path, policy: RecordingPolicy, tail: str) -> None:
    assert code_of(f"file://{root}/{tail}", policy) is ErrorCode.INPUT_FORBIDDEN


def test_a_bare_path_is_not_percent_decoded(root: Path, policy: RecordingPolicy) -> None:
    assert code_of(f"{root}/a%20b.wav", policy) is ErrorCode.INPUT_MISSING
    assert code_of(f"{root}/../secret.wav", policy) is ErrorCode.INPUT_FORBIDDEN


@pytest.mark.parametrize(
    "uri",
    [
        "/etc/passwd",
        "//etc/passwd",
        "file:///etc/passwd",
        "file:/etc/passwd",
        "file://evil.example/etc/passwd",
        "file://localhost:80/etc/passwd",
        "file:///proc/self/environ",
        "calls/a.wav",
        "",
        "ftp://host/a.wav",
        "gopher://127.0.0.1:6379/_INFO",
        "data:audio/wav;base64,AAAA",
        "concat:/etc/passwd",
        "file:///calls/a.wav?x=1",
        "file:///calls/a\x00.wav",
        "file:///calls/a%00.wav",
        "http://host\\@other/a.wav",
        "http://host/a b.wav",
        "http://[::1/a.wav",
        "http://host:99999/a.wav",
        "http:///a.wav",
        "s3://calls/a.wav",
    ],
)
def test_everything_outside_the_policy_is_forbidden(policy: RecordingPolicy, uri: str) -> None:
    assert code_of(uri, policy) is ErrorCode.INPUT_FORBIDDEN


def test_links_are_followed_before_the_root_is_checked(root: Path, policy: RecordingPolicy) -> None:
    (root / "out.wav").symlink_to(root.parent / "secret.wav")
    (root / "dir").symlink_to(root.parent)
    (root / "in.wav").symlink_to(root / "a b.wav")
    (root / "loop.wav").symlink_to(root / "loop.wav")
    assert code_of(f"{root}/out.wav", policy) is ErrorCode.INPUT_FORBIDDEN
    assert code_of(f"{root}/dir/secret.wav", policy) is ErrorCode.INPUT_FORBIDDEN
    assert code_of(f"{root}/loop.wav", policy) is ErrorCode.INPUT_FORBIDDEN
    assert read_recording(f"{root}/in.wav", policy) == b"audio"


def test_a_root_that_is_a_link_itself_serves_its_target(tmp_path: Path, root: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    policy = RecordingPolicy(allowed_roots=(tmp_path / "link",))
    assert read_recording(f"{tmp_path}/link/a b.wav", policy) == b"audio"


def test_a_sibling_whose_name_starts_like_the_root_is_outside(root: Path, policy: RecordingPolicy) -> None:
    (root.parent / "calls-other").mkdir()
    (root.parent / "calls-other" / "a.wav").write_bytes(b"x")
    assert code_of(f"{root.parent}/calls-other/a.wav", policy) is ErrorCode.INPUT_FORBIDDEN


def test_what_is_no_regular_file_is_unreadable_and_never_waited_for(
    root: Path,
    policy: RecordingPolicy,
) -> None:
    os.mkfifo(root / "fifo.wav")
    (root / "folder.wav").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "s.wav"))
        for name in ("fifo.wav", "folder.wav", "s.wav"):
            assert code_of(f"{root}/{name}", policy) is ErrorCode.INPUT_UNREADABLE
    assert code_of(str(root), policy) is ErrorCode.INPUT_UNREADABLE


def test_devices_are_unreadable_even_where_the_root_allows_them() -> None:
    assert code_of("/dev/zero", RecordingPolicy(allowed_roots=(Path("/dev"),))) is ErrorCode.INPUT_UNREADABLE


def test_missing_and_large_files_say_which_limit_to_change(root: Path, policy: RecordingPolicy) -> None:
    (root / "large.wav").write_bytes(b"x" * 101)
    assert code_of(f"{root}/none.wav", policy) is ErrorCode.INPUT_MISSING
    assert code_of(f"{root}/a b.wav/x.wav", policy) is ErrorCode.INPUT_MISSING
    with pytest.raises(Poison, match="max_bytes") as caught:
        read_recording(f"{root}/large.wav", policy)
    assert caught.value.code is ErrorCode.INPUT_TOO_LARGE


def test_the_size_limit_counts_what_arrives() -> None:
    endless = RecordingPolicy(max_bytes=1000)
    with pytest.raises(Poison) as caught:
        read_limited(lambda _size: b"x" * 300, endless)
    assert caught.value.code is ErrorCode.INPUT_TOO_LARGE


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 -- data, nothing is bound
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
def test_inner_addresses_are_not_public_in_any_notation(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946", f"::ffff:{PUBLIC}"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


def addresses_for(uri: str, *hosts: str, resolved: tuple[str, ...] = (PUBLIC,)) -> tuple[str, ...]:
    policy = RecordingPolicy(allowed_hosts=hosts)
    return permitted_addresses(split_uri(uri), policy, resolves_to(*resolved))


def test_a_listed_host_may_have_a_private_address() -> None:
    assert addresses_for("http://rec.corp/a.wav", "rec.corp", resolved=("10.1.2.3",)) == ("10.1.2.3",)
    assert addresses_for("http://REC.corp./a.wav", "Rec.Corp", resolved=("10.1.2.3",)) == ("10.1.2.3",)
    assert addresses_for("http://[::1]:8080/a", "[::1]:8080", resolved=("::1",)) == ("::1",)


@pytest.mark.parametrize(
    ("uri", "hosts"),
    [
        ("http://other.corp/a.wav", ("rec.corp",)),
        ("http://rec.corp.evil.example/a.wav", ("rec.corp",)),
        ("http://evilrec.corp/a.wav", ("rec.corp",)),
        ("http://rec.corp:6379/a.wav", ("rec.corp",)),
        ("http://rec.corp:6379/a.wav", ("rec.corp:8080",)),
        ("http://rec.corp/a.wav", ("rec.corp:8080",)),
        ("http://anything.example:22/a.wav", ("*",)),
        ("http://reс.corp/a.wav", ("*",)),
        ("http://rec.corp/a.wav", ()),
    ],
)
def test_hosts_and_ports_match_exactly_or_not_at_all(uri: str, hosts: tuple[str, ...]) -> None:
    with pytest.raises(Poison) as caught:
        addresses_for(uri, *hosts)
    assert caught.value.code is ErrorCode.INPUT_FORBIDDEN


@pytest.mark.parametrize("inner", ["127.0.0.1", "169.254.169.254", "::ffff:192.168.0.1", "fd00:ec2::254"])
def test_with_any_public_host_allowed_a_name_with_an_inner_address_is_refused(inner: str) -> None:
    assert addresses_for("https://cdn.example/a.wav", "*") == (PUBLIC,)
    for resolved in ((inner,), (PUBLIC, inner)):
        with pytest.raises(Poison, match="allowed_hosts"):
            addresses_for("https://cdn.example/a.wav", "*", resolved=resolved)


def test_the_name_service_is_asked_once_so_its_second_answer_cannot_matter() -> None:
    answers = iter([("127.0.0.1",)])
    policy = RecordingPolicy(allowed_hosts=("*",), timeout_s=1.0)
    with pytest.raises(Poison):
        read_recording("http://rebind.example/a.wav", policy, resolve=lambda _h, _p: next(answers))
    assert next(answers, None) is None


@pytest.mark.parametrize(
    "uri",
    [
        "http://user:hunter2@evil.example/a.wav?sig=hunter2",
        "http://rec.corp@evil.example/hunter2?x=hunter2",
        "https://evil.example/a.wav?token=hunter2",
        "http://evil.example/a b?token=hunter2",
        "http://[evil?token=hunter2",
    ],
)
def test_no_error_repeats_credentials_or_query(uri: str) -> None:
    with pytest.raises(Poison) as caught:
        read_recording(uri, RecordingPolicy(allowed_hosts=("rec.corp",)), resolve=no_names)
    assert caught.value.code is ErrorCode.INPUT_FORBIDDEN
    assert "token" not in str(caught.value)
    assert "sig=" not in str(caught.value)
    assert "hunter2@" not in str(caught.value)
    assert ":hunter2" not in str(caught.value)


def test_a_name_that_does_not_resolve_may_resolve_later() -> None:
    policy = RecordingPolicy(allowed_hosts=("nowhere.invalid",), timeout_s=1.0)

    def fails(_host: str, _port: int) -> tuple[str, ...]:
        raise Retryable(ErrorCode.TRANSIENT, "no answer")

    with pytest.raises(Retryable):
        read_recording("http://nowhere.invalid/a.wav", policy, resolve=fails)
