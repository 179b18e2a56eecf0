"""A web server for cases of the oracle: the same answer each time, without dates; HTTP on 8099, HTTPS on 8443."""

import base64
import gzip
import hashlib
import http.server
import json
import ssl
import threading

MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"
HELLO = b"hello\n"
LIST = "%s  hello.txt\n%s *other\n" % (hashlib.sha256(HELLO).hexdigest(), "0" * 64)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, content=b"", **headers):
        self.send_response_only(status)
        for name, value in headers.items():
            for one in value if isinstance(value, list) else [value]:
                self.send_header(name.replace("_", "-"), one)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def every(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        if path == "/hello.txt":
            if self.headers.get("If-Modified-Since"):
                self.answer(304)
            else:
                self.answer(200, HELLO, Content_Type="text/plain", Last_Modified=MODIFIED)
        elif path == "/plain.txt":
            self.answer(200, b"plain\n", Content_Type="text/plain")
        elif path == "/named":
            self.answer(200, b"named\n", Content_Disposition='attachment; filename="../given.txt"')
        elif path == "/sums":
            self.answer(200, LIST.encode())
        elif path == "/packed":
            self.answer(200, gzip.compress(HELLO, mtime=0), Content_Encoding="gzip")
        elif path.startswith("/redirect/"):
            self.answer(int(path.rsplit("/", 1)[1]), Location="/echo")
        elif path.startswith("/status/"):
            self.answer(int(path.rsplit("/", 1)[1]), b"gone", Content_Type="text/plain; charset=utf-8")
        elif path == "/auth":
            if self.headers.get("Authorization") == "Basic " + base64.b64encode(b"me:secret").decode():
                self.answer(200, HELLO)
            else:
                self.answer(401, WWW_Authenticate='Basic realm="oracle"')
        elif path == "/cookies":
            self.answer(200, Set_Cookie=["a=1; Path=/", "b=2"])
        elif path == "/json":
            self.answer(200, b'{"a": [1, 2.5, null, "x"]}', Content_Type="application/json; charset=utf-8")
        elif path == "/echo":
            seen = {name: self.headers.get(name) for name in ("Content-Type", "User-Agent", "X-Mine", "Cookie", "Accept-Encoding")}
            seen.update(method=self.command, body=body.decode(), path=self.path)
            self.answer(200, json.dumps(seen).encode(), Content_Type="application/json")
        else:
            self.answer(404, b"none", Content_Type="text/plain")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = every

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True


secure = Server(("127.0.0.1", 8443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/opt/web.pem", "/opt/web.key")
secure.socket = context.wrap_socket(secure.socket, server_side=True)
threading.Thread(target=secure.serve_forever, daemon=True).start()
Server(("127.0.0.1", 8099), Handler).serve_forever()
