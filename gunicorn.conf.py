"""gunicorn's settings: threads, and an end within the launcher's five seconds."""

import os

host = os.environ.get("HOST", "127.0.0.1")
bind = f"{f'[{host}]' if ':' in host else host}:{os.environ.get('PORT', '5000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
threads = 8
# the launcher kills what is left after five seconds, and an idle keep-alive client costs one
graceful_timeout = 3
control_socket_disable = True
