#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""listen.py OUT SECONDS: a small program's metrics on loopback, which Prometheus (2.42, Debian's) scrapes each second and sends on by remote write; the
bodies of its requests as they came, one behind the other, in OUT/shop.bin, the first alone in OUT/one.bin. What was scraped is printed as JSON: a list of
exposition texts. The counter begins again half way, one value is NaN, one infinite, one series ends."""
import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

out, seconds = pathlib.Path(sys.argv[1]), int(sys.argv[2])
bodies, scraped = [], []


def exposition(n):
    since = n % (seconds // 2)
    lines = ["# TYPE orders_total counter", f'orders_total{{kind="new"}} {7 * since}', f'orders_total{{kind="back"}} {since // 2}',
             "# TYPE heap_bytes gauge", f"heap_bytes {1e6 + 4096.5 * n}",
             "# TYPE ratio gauge", f"ratio {'NaN' if n % 3 == 1 else n / 8}", "# TYPE limit gauge", f"limit {'+Inf' if n % 4 == 2 else 9}",
             "# TYPE order_seconds histogram", f'order_seconds_bucket{{le="0.1"}} {since}', f'order_seconds_bucket{{le="+Inf"}} {2 * since}',
             f"order_seconds_sum {0.25 * since}", f"order_seconds_count {2 * since}"]
    if n < seconds // 2:
        lines += ["# TYPE warming gauge", f'warming{{what="caf\u00e9 \\"x\\""}} 1']
    return "\n".join(lines) + "\n"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = exposition(len(scraped))
        scraped.append(text)
        self.send_response(200)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self):
        bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


with tempfile.TemporaryDirectory() as folder:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    at = f"127.0.0.1:{server.server_port}"
    config = pathlib.Path(folder) / "prometheus.yml"
    config.write_text(f"""global: {{scrape_interval: 1s, external_labels: {{cluster: east}}}}
scrape_configs: [{{job_name: shop, static_configs: [{{targets: ["{at}"], labels: {{instance: "shop-1:80"}}}}]}}]
remote_write: [{{url: "http://{at}/write", queue_config: {{batch_send_deadline: 2s}}, metadata_config: {{send_interval: 5s}}}}]
""")
    prometheus = subprocess.Popen(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data", "--web.listen-address=127.0.0.1:0"],
                                  stderr=subprocess.DEVNULL)
    time.sleep(seconds + 4)
    prometheus.terminate()
    prometheus.wait()
(out / "one.bin").write_bytes(bodies[0])
(out / "shop.bin").write_bytes(b"".join(bodies))
print(json.dumps(scraped))
