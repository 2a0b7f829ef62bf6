"""One line in the settings of a Django project records every process that serves it:

    MIDDLEWARE = ["tracefmt.django.TraceMiddleware", ...]

Settings, all optional:

    TRACEFMT_INTERVAL  seconds between readings of CPU and memory (0.3); 0, None or False: off
    TRACEFMT_OUTPUT    the trace; {pid}, {program} and {time} are replaced
    TRACEFMT_RATE      samples per second of CPU time
    TRACEFMT_OPTIONS   a list of more options of trec
"""

import inspect
import logging

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed

from tracefmt._recorder import DEFAULT_OUTPUT, Error, ensure_started

try:
    from asgiref.sync import markcoroutinefunction
except ImportError:  # asgiref before 3.6
    markcoroutinefunction = None

DEFAULT_INTERVAL = 0.3
log = logging.getLogger("tracefmt")


def _start():
    interval = getattr(settings, "TRACEFMT_INTERVAL", DEFAULT_INTERVAL)
    if not interval:
        raise MiddlewareNotUsed("TRACEFMT_INTERVAL is off")
    try:
        ensure_started(
            output=getattr(settings, "TRACEFMT_OUTPUT", DEFAULT_OUTPUT),
            rate=getattr(settings, "TRACEFMT_RATE", None),
            interval=interval,
            options=getattr(settings, "TRACEFMT_OPTIONS", ()),
        )
    except Error as error:
        log.error("not recorded: %s", error)
        raise MiddlewareNotUsed(str(error))


class TraceMiddleware:
    """Records from the first request on. Loaded twice it records once; requests pass unchanged."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response):
        _start()
        self.get_response = get_response
        self.is_async = inspect.iscoroutinefunction(get_response) or getattr(
            get_response, "_is_coroutine_marker", None
        ) is not None
        if self.is_async and markcoroutinefunction is not None:
            markcoroutinefunction(self)

    def __call__(self, request):
        # In async mode this is the coroutine that Django awaits.
        return self.get_response(request)
