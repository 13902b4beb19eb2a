"""Bearer tokens, kept by their digest: the peers leave authentication to their hosts."""
