"""What adapters remember: after a restart, of their own alone, and no secret in clear."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge import log
from bridge.errors import ConfigurationError, DatabaseFailed
from bridge.model.ids import AdapterName
from bridge.plugin import Memory
from bridge.runtime.adapters.remembering import AdapterMemory
from bridge.store import MEMORY, Store, open_store
from tests.unit.store.given import SLACK, address, made

KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "xoxb-very-secret-token"


def lent(store: Store, key: str | None = KEY, adapter: AdapterName = SLACK) -> Memory:
    return AdapterMemory(adapter, store, store.sealer(key, MEMORY) if key else None)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(made(tmp_path)) as store:
        yield store


async def test_what_is_remembered_outlives_the_process(tmp_path: Path) -> None:
    async with open_store(address(tmp_path)) as store:
        await lent(store).remember("plain", "one")
        await lent(store).remember("token", TOKEN, secret=True)

    async with open_store(address(tmp_path)) as store:
        memory = lent(store)
        assert await memory.recall("plain") == "one"
        assert await memory.recall("token") == TOKEN
        assert await memory.recall("nothing") is None


async def test_a_secret_is_nowhere_in_clear(tmp_path: Path) -> None:
    async with open_store(address(tmp_path)) as store:
        await lent(store).remember("token", TOKEN, secret=True)
        await lent(store).remember("plain", "not a secret")
        everything = b"".join(file.read_bytes() for file in tmp_path.iterdir())

    everything += b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"not a secret" in everything
    assert TOKEN.encode() not in everything
    assert KEY.encode() not in everything


async def test_the_last_word_counts_and_may_stop_being_a_secret(store: Store) -> None:
    memory = lent(store)
    await memory.remember("k", "first", secret=True)
    await memory.remember("k", "second")
    assert await lent(store, key=None).recall("k") == "second"

    await memory.remember("k", "third", secret=True)
    assert await lent(store, key=None).recall("k") is None
    assert await memory.recall("k") == "third"


async def test_what_is_forgotten_is_gone_and_may_be_forgotten_again(store: Store) -> None:
    memory = lent(store)
    await memory.remember("k", "text")
    await memory.forget("k")
    await memory.forget("k")

    assert await memory.recall("k") is None


async def test_keys_are_found_by_exactly_how_they_begin(store: Store) -> None:
    memory = lent(store)
    keys = ("team/1", "team/2", "Team/3", "team", "teams", "te%m/4", "te_m/5", "tea", "ü/6", "ü/7")
    for key in keys:
        await memory.remember(key, key.upper())

    assert await memory.recall_all("team/") == {"team/1": "TEAM/1", "team/2": "TEAM/2"}
    assert list(await memory.recall_all("te%")) == ["te%m/4"]
    assert list(await memory.recall_all("te_")) == ["te_m/5"]
    assert list(await memory.recall_all("ü/")) == ["ü/6", "ü/7"]
    assert len(await memory.recall_all("")) == len(keys)


async def test_each_adapter_has_a_memory_of_its_own(store: Store) -> None:
    other = lent(store, adapter=AdapterName("other"))
    await lent(store).remember("k", "mine")
    await other.forget("k")

    assert await other.recall("k") is None
    assert await other.recall_all("") == {}
    assert await lent(store).recall("k") == "mine"


@pytest.mark.parametrize("key", [None, KEY[::-1]], ids=["no key", "another key"])
async def test_what_cannot_be_unsealed_counts_as_absent_and_is_told_once(
    store: Store, key: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b"):
        await lent(store).remember(name, TOKEN, secret=True)
    memory = lent(store, key=key)
    await memory.remember("c", "plain")

    assert await memory.recall("a") is None
    assert await memory.recall_all("") == {"c": "plain"}

    (line,) = caplog.records
    assert "memory.sealed_otherwise" in line.getMessage()
    assert TOKEN not in line.getMessage()


async def test_a_secret_without_a_key_is_refused_with_the_remedy(store: Store) -> None:
    with pytest.raises(ConfigurationError, match=r"database\.encryption_key") as refused:
        await lent(store, key=None).remember("token", TOKEN, secret=True)

    assert "openssl rand -hex 32" in refused.value.remedy
    assert TOKEN not in str(refused.value)
    assert await lent(store).recall("token") is None


async def test_the_key_of_the_memory_is_not_that_of_the_tokens(store: Store) -> None:
    sealed = store.sealer(KEY).seal(TOKEN)

    assert store.sealer(KEY, MEMORY).unseal(sealed) is None


async def test_many_things_at_once_are_all_remembered(store: Store) -> None:
    memory = lent(store)
    await asyncio.gather(*(memory.remember(f"k{n}", str(n)) for n in range(100)))

    assert await memory.recall_all("k") == {f"k{n}": str(n) for n in range(100)}


async def test_a_memory_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    async with open_store(address(tmp_path)) as store:
        memory = lent(store)
    with pytest.raises(DatabaseFailed):
        await memory.remember("k", "text")


async def test_what_is_kept_as_a_secret_is_kept_out_of_the_log(store: Store) -> None:
    memory = lent(store)
    document = '{"team": "T0ACME-team", "refresh_token": "opaque-refresh", "note": "said here"}'
    await memory.remember("install", document, secret=True)
    await memory.remember("plain", "opaque-in-the-open")
    await memory.remember("word", "opaque-word", secret=True)
    told = "T0ACME-team opaque-refresh opaque-word opaque-in-the-open"

    assert log.redact(told) == "T0ACME-team [secret] [secret] opaque-in-the-open"
    log.forget()
    await memory.recall_all("")
    assert log.redact(told) == "T0ACME-team [secret] [secret] opaque-in-the-open"
