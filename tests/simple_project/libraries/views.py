"""Pages for signed-in users, who only see the Libraries that they may open."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from .models import Library


@login_required
def library_list(request: HttpRequest) -> HttpResponse:
    """Show the Libraries that the user may open."""
    libraries = Library.objects.open_to(request.user)
    return render(request, "libraries/library_list.html", {"libraries": libraries})


@login_required
def library_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a Library, or respond with 404 if the user has no access."""
    library = get_object_or_404(Library.objects.open_to(request.user), pk=pk)
    members = library.members.filter(is_active=True).order_by("username")
    return render(
        request, "libraries/library_detail.html", {"library": library, "members": members}
    )
