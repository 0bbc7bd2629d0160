"""OAuth grants: codes that the login dialog gives, and the tokens they are redeemed for."""

from dataclasses import dataclass


@dataclass(slots=True)
class Grant:
    """A code that logging in gave, or a token it was redeemed for, and whose it is."""

    secret: str
    user_id: str
    redirect_uri: str = ""
    used: bool = False
    expires_us: int = 0  # 0: a code
