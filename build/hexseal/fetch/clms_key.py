"""The service key of the CLMS portal and the grant that is signed with it.

https://eea.github.io/clms-api-docs/authentication.html: the key's owner signs a JSON Web Token
(RFC 7519, RS256) that the portal exchanges for an access token of one hour.
"""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hexseal.errors import FetchError
from hexseal.fetch.addresses import onward, public
from hexseal.fetch.answers import as_table, as_text
from hexseal.fetch.web import Asked, Web
from hexseal.region.fetch import CLMS_KEY, CLMS_TOKEN, Secrets

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
VALID_SECONDS = 3600
HOW = (
    f"make a service key at land.copernicus.eu (profile, API tokens), save it outside the "
    f"project and name the file in the environment variable {CLMS_KEY}"
)


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A service key as the portal hands it out once; its private part is never shown."""

    client: str
    user: str
    token_address: str
    private: RSAPrivateKey = field(repr=False)

    def grant(self, now: float) -> str:
        """Return the signed grant that is valid for an hour from ``now`` (seconds since 1970)."""
        claims = {
            "iss": self.client, "sub": self.user, "aud": self.token_address,
            "iat": int(now), "exp": int(now) + VALID_SECONDS,
        }  # fmt: skip
        signed = ".".join(map(_encoded, (_json({"alg": "RS256", "typ": "JWT"}), _json(claims))))
        signature = self.private.sign(signed.encode(), PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encoded(signature)}"


def read_key(path: Path) -> ServiceKey:
    """Read a service key; raise FetchError that never holds its content."""
    try:
        table = as_table(json.loads(path.read_text(encoding="utf-8")))
        private = load_pem_private_key(as_text(table.get("private_key")).encode(), password=None)
    except OSError as err:
        raise FetchError(f"{path} ({CLMS_KEY}): cannot be read ({err.strerror}); {HOW}") from err
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The cause may quote the key, so it is left out.
        raise FetchError(f"{path} ({CLMS_KEY}): is no service key of CLMS; {HOW}") from None
    names = [as_text(table.get(name)) for name in ("client_id", "user_id", "token_uri")]
    if not isinstance(private, RSAPrivateKey) or not all(names):
        raise FetchError(f"{path} ({CLMS_KEY}): lacks client_id, user_id or token_uri; {HOW}")
    return ServiceKey(names[0], names[1], names[2], private)


class Access:
    """Access to the portal: a token that is asked for when needed, and again when it has ended."""

    def __init__(
        self, web: Web, api: str, secrets: Secrets, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.web, self.api, self.secrets, self.clock = web, api, secrets, clock
        self._token: str | None = None

    def token(self, *, again: bool = False) -> str:
        """Return an access token; raise FetchError where the environment holds no key."""
        if self._token is None or again:
            self._token = self._ask()
        return self._token

    @property
    def can_renew(self) -> bool:
        """Return whether a token that has ended can be replaced."""
        return self.secrets.key_file is not None

    def _ask(self) -> str:
        if self.secrets.key_file is None:
            if self.secrets.token is not None:
                return self.secrets.token
            raise FetchError(f"{self.api}: needs a login; {HOW} (or a token in {CLMS_TOKEN})")
        key = read_key(self.secrets.key_file)
        address = onward(key.token_address, self.api)
        fields = {"grant_type": GRANT, "assertion": key.grant(self.clock())}
        answer = as_table(self.web.json(Asked.form(address, fields, origin=self.api)))
        token = as_text(answer.get("access_token"))
        if not token:
            raise FetchError(f"{public(address)}: gave no access token; {HOW}")
        return token


def _json(content: dict[str, object]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
