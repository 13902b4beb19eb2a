"""Bearer tokens, kept by their digest: the peers leave authentication to their hosts."""


def make_token() -> str:
    """Make the token with which the comparison calls, where it is not there yet."""
    from django.contrib.auth import get_user_model

    from .models import PLAINTEXT, Token, digest

    user, _ = get_user_model().objects.get_or_create(username="provisioning")
    Token.objects.get_or_create(digest=digest(PLAINTEXT), user=user)
    return PLAINTEXT
