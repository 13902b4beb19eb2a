"""What the host shows to people who are in: their Libraries, as a page and in its API."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, JsonResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


def libraries(request: HttpRequest | Request) -> list[str]:
    assert isinstance(request.user, User)
    return [group.name for group in request.user.groups.order_by("name")]


@login_required
def page(request: HttpRequest) -> JsonResponse:
    return JsonResponse(libraries(request), safe=False)


class ApiView(APIView):
    def get(self, request: Request) -> Response:
        return Response(libraries(request))
