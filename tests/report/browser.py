#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""browser.py WRITE_SAMPLE: opens pages in Chromium, headless and offline, and looks at what became of them."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

WRITE = sys.argv[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-dev-shm-usage", "--virtual-time-budget=5000", "--window-size=1300,1000", "--enable-logging=stderr", "--v=0"]


def page(folder, kind):
    path = os.path.join(folder, kind + ".html")
    with open(path, "wb") as file:
        file.write(subprocess.run([WRITE, kind, "html"], check=True, stdout=subprocess.PIPE).stdout)
    return path


def dump(folder, path, fragment=""):
    result = subprocess.run([CHROMIUM, *FLAGS, "--user-data-dir=" + os.path.join(folder, "profile"), "--dump-dom", "file://" + path + fragment],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)
    log = result.stderr.decode(errors="replace")
    complaints = [line for line in log.splitlines() if ":CONSOLE" in line]
    assert not complaints, complaints
    dom = result.stdout.decode(errors="replace")
    assert 'data-ready="yes"' in dom, "the script did not come to its end"
    return re.sub(r'<script type="application/json".*?</script>', "", dom, flags=re.S)


def rows(dom):
    return re.findall(r"<tr>", dom.split('id="groups"')[1].split("<tbody>")[1].split("</tbody>")[0])


def main():
    if not CHROMIUM:
        print("skipped, because there is no Chromium here")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        dom = dump(folder, page(folder, "small"))
        assert len(rows(dom)) == 3, dom
        assert "one-hit wonder" in dom and "second bucket" in dom and "bug-7" in dom
        assert "<dialog id=\"sheet\" aria-labelledby=\"sheet-title\"></dialog>" in dom, "nothing is open at first"

        dom = dump(folder, page(folder, "small"), "#g000000000001")
        assert re.search(r"<dialog[^>]* open", dom), "the fragment opens its group"
        assert dom.count('class="where"') == 3 and "src/first file.c:31" in dom
        assert 'class="gone"' in dom and 'class="came"' in dom

        hostile = page(folder, "hostile")
        with open(hostile, "rb") as file:
            text = file.read()
        assert text.count(b"</script>") == 5, "data end no script element"
        assert b"<img" not in text and b"{{" not in text.split(b'id="data">')[0]
        dom = dump(folder, hostile)
        assert len(rows(dom)) == 1
        assert "<img" not in dom and "<title>owned" not in dom, "a hostile title is text"
        assert "&lt;/script&gt;&lt;img src=x" in dom, "and shown as it is"

        large = page(folder, "large")
        assert os.path.getsize(large) < 12 << 20
        dom = dump(folder, large, "#g0000000001f4")
        assert len(rows(dom)) == 50 and "1 / 200" in dom
        assert "largest buckets only" in dom, "beyond the cap a note"
    return 0


sys.exit(main())
