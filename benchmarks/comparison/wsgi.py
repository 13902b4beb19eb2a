"""The WSGI application of all servers; the environment chooses their settings."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
