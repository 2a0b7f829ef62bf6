"""Record a WSGI or ASGI application: wrap it where the server finds it.

    application = tracefmt.wsgi.traced(application)      # WSGI: Flask, Django, ...
    app = tracefmt.wsgi.traced_async(app)                # ASGI: Starlette, FastAPI, ...

Recording begins with the first request of each process, so servers that fork record each worker.
"""

import logging

from tracefmt._recorder import Error, ensure_started

log = logging.getLogger("tracefmt")


class _Starter:
    """Starts the recording at the first request; a failure is said once and harms no request."""

    def __init__(self, settings):
        self.settings = settings
        self.has_failed = False

    def __call__(self):
        if self.has_failed:
            return
        try:
            ensure_started(**self.settings)
        except Error as error:
            self.has_failed = True
            log.error("not recorded: %s", error)


def traced(application, **settings):
    """A WSGI application that records its process; `settings` as of tracefmt.start()."""

    begin = _Starter(settings)

    def serve(environ, start_response):
        begin()
        return application(environ, start_response)

    return serve


def traced_async(application, **settings):
    """The same for ASGI."""

    begin = _Starter(settings)

    async def serve(scope, receive, send):
        begin()
        await application(scope, receive, send)

    return serve
