"""Codes that people type and keys that they keep."""

import hashlib
import hmac
import secrets

# No 0 O 1 I L: a code is read off a projector. 31 ** 7 is 2.7e10; with the back-off of `pace` a walk is hopeless.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 7
KEY_BYTES = 24
LONG = 64  # characters of a typed code that are looked at


def code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def read_code(typed: str) -> str:
    """As it is stored: in capitals, without what people put between. Empty where it cannot be one."""
    read = "".join(letter for letter in typed[:LONG].upper() if letter.isalnum())
    return read if len(read) == CODE_LENGTH and set(read) <= set(ALPHABET) else ""


def key() -> str:
    """192 random bits, fit for an address."""
    return secrets.token_urlsafe(KEY_BYTES)


def sealed(key: str) -> bytes:  # (32,)
    """What is stored of a key. It has so many random bits that a plain hash cannot be turned back."""
    return hashlib.sha256(key.encode()).digest()


def wrapped(sealed: bytes, secret: bytes) -> bytes:  # (32,)
    """What is stored of a sealed key that could be guessed, as an account's: who lacks the secret cannot try any."""
    return hmac.digest(secret, sealed, "sha256")


def fingerprint(secret: bytes) -> bytes:  # (32,)
    """What a secret is known by, and not found by."""
    return hmac.digest(secret, b"fingerprint", "sha256")


def fits(key: str, stored: bytes) -> bool:
    """In constant time."""
    return hmac.compare_digest(sealed(key), stored)
