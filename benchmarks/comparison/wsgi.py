"""Any server of the comparison as a WSGI application: its settings are the environment's."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
