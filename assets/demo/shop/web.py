"""The shop's pages."""
import traceback
from http.server import BaseHTTPRequestHandler, HTTPServer

TITLE = "Shop"
ORDERS = {1: "tea", 2: "bread"}


def order(number):
    return f"{TITLE}: {ORDERS.get(number, 'no such order')}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            status, body = 200, order(int(self.path.rpartition("/")[2]))
        except Exception:
            status, body = 500, "something went wrong"
            traceback.print_exc()
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())
        print(f"GET {self.path} \033[{32 if status == 200 else 31}m{status}\033[0m", flush=True)

    def log_message(self, *_):
        pass


print("listening on http://127.0.0.1:8102", flush=True)
HTTPServer(("127.0.0.1", 8102), Handler).serve_forever()
