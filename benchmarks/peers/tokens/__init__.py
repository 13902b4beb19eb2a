"""Bearer tokens, since the peers leave authentication to their hosts."""


def make_token() -> str:
    """Create the token of the comparison, if it does not exist."""
    from django.contrib.auth import get_user_model

    from .models import PLAINTEXT, Token, digest

    user, _ = get_user_model().objects.get_or_create(username="provisioning")
    Token.objects.get_or_create(digest=digest(PLAINTEXT), user=user)
    return PLAINTEXT
