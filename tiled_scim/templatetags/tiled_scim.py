"""The tag that keeps the variables of the configuration pages apart from those of the host.

The base template of the host may use an `account` or a `title` of its own context processors. So a
page passes its variables as one, `tiled_scim`, and only what is inside the tag sees them.
"""

from __future__ import annotations

from django.template import Context, Library
from django.template.base import Node, NodeList, Parser, Token
from django.utils.safestring import SafeString

register = Library()


class PageNode(Node):
    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:
        with context.push(context["tiled_scim"]):
            return self.nodelist.render(context)


@register.tag
def tiled_scim(parser: Parser, token: Token) -> PageNode:
    """Render the content of the tag with the variables of the page."""
    nodelist = parser.parse(("endtiled_scim",))
    parser.delete_first_token()
    return PageNode(nodelist)
