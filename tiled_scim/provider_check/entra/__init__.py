"""The requests that Microsoft Entra ID sends, and the direct tests of its gallery's validator.

The validator signs in with OAuth 2.0, too. This check has a token, so it leaves that out.
"""
