"""How much of an answer is read? So much and no more: whoever answers may be broken, or hostile."""

import aiohttp


async def whole(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The body of an answer, unpacked.

    Raises:
        aiohttp.ClientPayloadError: it has more than `most` bytes, or broke off.
    """
    found = bytearray()
    async for piece in answer.content.iter_any():
        found += piece
        if len(found) > most:
            raise aiohttp.ClientPayloadError(f"the answer has more than {most} bytes")
    return bytes(found)
