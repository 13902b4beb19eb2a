"""Pages for people who are signed in, who see the Libraries that they may open in their account."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from example_project.customers.current import current_membership
from example_project.customers.models import Membership

from .models import Library


@login_required
def library_list(request: HttpRequest) -> HttpResponse:
    """Show the Libraries that the person may open in the current account."""
    libraries = Library.objects.open_to(current_membership(request))
    return render(request, "libraries/library_list.html", {"libraries": libraries})


@login_required
def library_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a Library and its members, or respond with 404 if the person may not open it."""
    library = get_object_or_404(Library.objects.open_to(current_membership(request)), pk=pk)
    members = Membership.objects.filter(
        account=library.account, is_active=True, user__in=library.members.all()
    ).select_related("user")
    return render(
        request, "libraries/library_detail.html", {"library": library, "members": members}
    )
