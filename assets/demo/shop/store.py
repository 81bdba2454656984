"""The shop's store: takes connections, and saves before it ends, which takes a moment."""
import signal
import socket
import sys
import time


def save(*_):
    print("saving", flush=True)
    time.sleep(1.5)
    print("saved", flush=True)
    sys.exit(0)


signal.signal(signal.SIGTERM, save)
server = socket.create_server(("127.0.0.1", 8101))
print("store 1.0 on port 8101", flush=True)
while True:
    server.accept()[0].close()
