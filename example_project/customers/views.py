"""Account Settings, and switching between accounts."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from .current import current_membership, memberships_of, switch_to
from .models import Membership


@login_required
@require_POST
def switch_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Make an account the current one. The person must have an active membership in it."""
    membership = get_object_or_404(memberships_of(request), account=pk)
    switch_to(request, membership.account)
    return redirect("libraries:list")


@login_required
def account_settings(request: HttpRequest, account: int) -> HttpResponse:
    """Show the people of the account to its admins. Others get 404."""
    membership = current_membership(request)
    if membership is None or not membership.is_admin:
        raise Http404
    people = Membership.objects.filter(account=membership.account).select_related("user")
    return render(request, "customers/account_settings.html", {"people": people})
