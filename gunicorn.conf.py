"""gunicorn's settings: threads, and an end within the launcher's five seconds."""

import os

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '5000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
threads = 8
# a sign-up under way gets its four seconds
graceful_timeout = 4
control_socket_disable = True
