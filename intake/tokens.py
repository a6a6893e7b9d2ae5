"""Signed words that let one session upload for some minutes: nobody can make one, or use it for another session."""

from __future__ import annotations

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from planner.errors import UploadRefused
from planner.quantities import MINUTE

LIFETIME = int(10 * MINUTE)
"""Time in which an upload must be announced [s]; it may last longer."""


class BadToken(UploadRefused):
    """A token that is not ours, too old, or of a session that is gone."""


class Tokens:
    """Makes and reads tokens.

    secret : the same for all copies of the app behind one address
    """

    def __init__(self, secret: str) -> None:
        """Signs with the secret."""
        self._signer = URLSafeTimedSerializer(secret, salt="upload")

    def issue(self, session: str, largest: int) -> str:
        """A token with which a session may upload files.

        largest : of a file [B]
        """
        return str(self._signer.dumps([session, largest]))

    def session(self, token: str) -> tuple[str, int]:
        """Whose token it is, and the largest file it allows [B].

        raises : BadToken
        """
        try:
            session, largest = self._signer.loads(token, max_age=LIFETIME)
        except SignatureExpired as error:
            raise BadToken("This page was open for too long before the upload. Try again.") from error
        except BadSignature as error:
            raise BadToken("This link to upload is not one of ours. Reload the page.") from error
        return str(session), int(largest)
