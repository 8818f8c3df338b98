#!/usr/bin/env python3
"""load.py: asks a URL again and again, as clients do, until it is told to end, and says what failed.

Usage:   load.py URL CAFILE TOKEN [--keep]     TOKEN is a bearer token; --keep asks on connections that stay open
Outputs: when SIGTERM comes, one JSON line: how many were asked, and each failure with the second in which it came.
Exit:    0.
"""

import http.client
import json
import signal
import ssl
import sys
import threading
import time
import urllib.parse

THREADS = 4
PAUSE = 0.02


class Load:
    def __init__(self, url, ca, token, keep):
        self.url = urllib.parse.urlsplit(url)
        self.path = f"{self.url.path}?{self.url.query}"
        self.tls = ssl.create_default_context(cafile=ca)
        self.token, self.keep = token, keep
        self.began = time.monotonic()
        self.asked, self.failed = 0, []
        self.lock, self.ended = threading.Lock(), threading.Event()

    def note(self, failure):
        with self.lock:
            self.asked += 1
            if failure:
                self.failed.append([round(time.monotonic() - self.began, 1), failure])

    def run(self):
        connection = None
        while not self.ended.is_set():
            try:
                if connection is None:
                    connection = http.client.HTTPSConnection(self.url.hostname, self.url.port, context=self.tls, timeout=15)
                connection.request("GET", self.path, headers={"Authorization": f"Bearer {self.token}"})
                answer = connection.getresponse()
                body = answer.read()
                self.note(None if answer.status == 200 else f"{answer.status} {body[:200]!r}")
                if self.keep and not answer.will_close:
                    continue
            except (OSError, http.client.HTTPException) as error:
                self.note(f"{type(error).__name__}: {error}")
            if connection is not None:
                connection.close()
            connection = None
            time.sleep(PAUSE)


def main(arguments):
    keep = "--keep" in arguments
    load = Load(*[each for each in arguments if each != "--keep"], keep)
    threads = [threading.Thread(target=load.run) for _ in range(THREADS)]
    signal.signal(signal.SIGTERM, lambda *_: load.ended.set())
    for thread in threads:
        thread.start()
    while not load.ended.wait(0.2):
        pass
    for thread in threads:
        thread.join()
    print(json.dumps({"asked": load.asked, "failed": len(load.failed), "failures": load.failed[:20]}))


if __name__ == "__main__":
    main(sys.argv[1:])
