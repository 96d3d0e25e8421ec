#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""write.py DATA: the fixtures of mbox, bugzilla, jira and prose in DATA (tests/data/stack), out of other readers' fixtures there. Mail is
written by Python's email and mailbox modules; the trackers' documents after their templates and the descriptions of their interfaces
(bugzilla/bugzilla: show.xml.tmpl, docs/en/rst/api/core/v1; Jira's XML view, REST API 2 and 3, Atlassian Document Format)."""
import base64
import email.message
import email.policy
import html
import json
import mailbox
import os
import pathlib
import sys
import tempfile
from xml.sax.saxutils import escape, quoteattr

DATA = pathlib.Path(sys.argv[1])


def report(name):
    return (DATA / name).read_text()


GDB, JAVA, VALGRIND, PYTHON = (report(name) for name in ("gdb/bt-null.txt", "java/causes.txt", "valgrind/made-memcheck-leak.txt", "python/chained.txt"))
ABORT = report("gdb/bt-abort.txt")


def put(name, text):
    path = DATA / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


# ---- mail ----

def message(subject, number, text=None, reply=None):
    m = email.message.EmailMessage(policy=email.policy.default.clone(max_line_length=78))
    m["From"] = "A User <user@example.org>"
    m["To"] = "bugs@example.org"
    m["Subject"] = subject
    m["Date"] = f"Thu, {number} Feb 2024 21:07:27 +0100"
    m["Message-ID"] = f"<{number}@example.org>"
    if reply:
        m["In-Reply-To"] = f"<{reply}@example.org>"
    if text is not None:
        m.set_content(text)
    return m


def quote(text):
    return "".join("> " + line + "\n" for line in text.splitlines())


def messages():
    yield message("It crashes", 1, "Hello,\n\nafter the update demo dies. This is what gdb says:\n\n" + GDB + "\nRegards\n")
    yield message("Re: It crashes", 2, "On Thu, somebody wrote:\n" + quote(GDB) + "\nHere it works.\n", 1)
    yield message("Only a question", 3, "Which compiler was that?\n")
    m = message("Grüße: es stürzt ab, und zwar immer dann, wenn man die Datei öffnet", 4)
    m.set_content("Grüße,\nanbei das Protokoll – und hier noch von valgrind:\n\n" + VALGRIND, cte="quoted-printable")
    m.add_attachment(JAVA, filename="log.txt", cte="base64")
    m.add_attachment(b"\x89PNG\r\n\x1a\n" + bytes(range(256)), maintype="image", subtype="png", filename="screen.png")
    yield m
    m = message("In two kinds", 5, "Both say the same:\n\n" + ABORT)
    m.add_alternative("<html><body><p>Both say the same:</p><pre>" + html.escape(ABORT) + "</pre></body></html>", subtype="html")
    yield m
    inner = message("The original", 7, PYTHON)
    m = message("Fwd: The original", 6, "See below.\n")
    m.add_attachment(inner)
    yield m


def write_mail():
    for name, which in (("single", 0), ("parts", 3), ("alternative", 4), ("forwarded", 5)):
        put(f"mbox/{name}.txt", list(messages())[which].as_bytes().decode("ascii"))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mbox")
        box = mailbox.mbox(path)
        for m in messages():
            kept = mailbox.mboxMessage(m)
            kept.set_from("user@example.org Thu Feb  8 21:07:27 2024")
            box.add(kept)
        box.close()
        put("mbox/folder.txt", pathlib.Path(path).read_bytes().decode("ascii"))


# ---- Bugzilla ----

def bug_xml(number, fields, comments, attachments=()):
    out = "    <bug>\n" + f"          <bug_id>{number}</bug_id>\n"
    for name, value in fields:
        out += f"          <{name}>{escape(value)}</{name}>\n"
    for i, (when, text) in enumerate(comments):
        out += (f'          <long_desc isprivate="0">\n            <commentid>{number * 10 + i}</commentid>\n'
                f'            <who name="A User">user</who>\n            <bug_when>{when}</bug_when>\n\n'
                f"            <thetext>{escape(text)}</thetext>\n          </long_desc>\n")
    for i, (patch, kind, data) in enumerate(attachments):
        out += (f'          <attachment\n              isobsolete="0"\n              ispatch="{patch}"\n              isprivate="0"\n          >\n'
                f"            <attachid>{number * 100 + i}</attachid>\n            <date>2024-02-0{i + 3} 10:00:00 +0000</date>\n"
                f"            <desc>log &amp; more</desc>\n            <filename>log</filename>\n            <type>{kind}</type>\n"
                f'              <data encoding="base64">{base64.encodebytes(data.encode()).decode()}</data>\n\n          </attachment>\n')
    return out + "\n    </bug>\n"


def fields_of(title, **more):
    return [("creation_ts", "2024-02-01 09:30:00 +0100"), ("short_desc", title), ("delta_ts", "2024-03-01 00:00:00 +0000"),
            ("product", "Demo"), ("component", "Core"), ("version", "1.2.3"), ("rep_platform", "x86_64"), ("op_sys", "Linux"),
            ("bug_status", more.get("status", "NEW")), *([("resolution", "DUPLICATE"), ("dup_id", more["dup"])] if "dup" in more else []),
            ("bug_severity", "critical")]


def write_bugzilla():
    bugs = bug_xml(7, fields_of("demo crashes in <walk>"), [
        ("2024-02-01 09:30:00 +0100", "Start demo, then:\n\n" + GDB),
        ("2024-02-02 10:00:00 +0100", "(In reply to A User from comment #0)\n" + quote(GDB) + "\nConfirmed. valgrind:\n" + VALGRIND)],
        [("0", "text/plain", JAVA), ("1", "text/plain", "--- a.c\n+++ a.c\n" + ABORT)])
    bugs += bug_xml(8, fields_of("the same again", status="RESOLVED", dup="7"), [("2024-02-05 09:30:00 +0100", "I get\n" + ABORT)])
    bugs += bug_xml(9, fields_of("please add a button"), [("2024-02-06 09:30:00 +0100", "A button would be nice.")])
    bugs += '    <bug error="NotFound">\n      <bug_id>10</bug_id>\n    </bug>\n'
    head = ('<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>\n<!DOCTYPE bugzilla SYSTEM "https://bugs.example.org/page.cgi?id=bugzilla.dtd">\n\n'
            '<bugzilla version="5.0.6"\n          urlbase="https://bugs.example.org/"\n          \n          maintainer="admin@example.org"\n>\n\n')
    put("bugzilla/show.txt", head + bugs + "\n</bugzilla>\n")
    put("bugzilla/cut.txt", (head + bugs)[:-len(bugs) // 3])
    bug = {"id": 35, "summary": "demo crashes", "product": "Demo", "component": "Core", "version": "unspecified", "platform": "Unspecified",
           "op_sys": "Linux", "status": "RESOLVED", "resolution": "DUPLICATE", "dupe_of": 7, "severity": "critical",
           "creation_time": "2024-02-01T08:30:00Z", "is_open": False}
    put("bugzilla/bug.txt", json.dumps({"faults": [], "bugs": [dict(bug, comments=[
        {"id": 1, "bug_id": 35, "count": 0, "text": "```\n" + GDB + "```\nand\n```\n" + VALGRIND + "```\n", "creation_time": "2024-02-01T08:30:00Z",
         "time": "2024-02-01T08:30:00Z", "creator": "user"}], attachments=[
        {"id": 3, "bug_id": 35, "file_name": "java.log", "content_type": "text/plain", "is_patch": 0, "is_obsolete": 0,
         "creation_time": "2024-02-02T08:30:00Z", "data": base64.b64encode(JAVA.encode()).decode()}])]}, indent=1))
    put("bugzilla/comments.txt", json.dumps({"bugs": {"36": {"comments": [
        {"id": 1, "bug_id": 36, "count": 0, "text": "No stack here.", "time": "2024-02-01T08:30:00Z", "attachment_id": None},
        {"id": 2, "bug_id": 36, "count": 1, "text": "But here:\n" + PYTHON, "time": "2024-02-03T08:30:00Z", "attachment_id": None}]}}, "comments": {}}))


# ---- Jira ----

def write_jira():
    panel = '<div class="preformatted panel" style="border-width: 1px;"><div class="preformattedContent panelContent">\n<pre>{}</pre>\n</div></div>'
    shown = "<p>It dies with</p>\n" + panel.format(html.escape(JAVA)) + "<p>every time.</p>"
    comment = "<p>Mine is another:</p>\n" + panel.format(html.escape(GDB))

    def item(key, title, description, links="", comments=""):
        return (f"<item>\n            <title>[{key}] {escape(title)}</title>\n                <link>https://issues.example.org/browse/{key}</link>\n"
                f'                <project id="10290" key="DEMO">Demo</project>\n                    <description>{escape(description)}</description>\n'
                f'                <environment>&lt;p&gt;Linux 6.1, JDK 17&lt;/p&gt;</environment>\n        <key id="1">{key}</key>\n'
                f"            <summary>{escape(title)}</summary>\n                <type id=\"1\">Bug</type>\n"
                f'                                            <priority id="3">Major</priority>\n                        <status id="1">Open</status>\n'
                f'                    <resolution id="-1">Unresolved</resolution>\n                                        <created>Thu, 8 Feb 2024 21:07:27 +0000</created>\n'
                f"                <updated>Fri, 9 Feb 2024 21:07:27 +0000</updated>\n                                            <version>2.0.1</version>\n"
                f"                                                    <component>core</component>\n                        <votes>0</votes>\n"
                f"                    {comments}{links}\n            </item>\n")

    comments = f'<comments>\n                            <comment id="5" author="user" created="Sat, 10 Feb 2024 10:00:00 +0000">{escape(comment)}</comment>\n</comments>\n'
    links = ('<issuelinks>\n                            <issuelinktype id="2">\n                    <name>Duplicate</name>\n'
             '                                            <outwardlinks description="duplicates">\n                            <issuelink>\n'
             '            <issuekey id="9">DEMO-1</issuekey>\n        </issuelink>\n                            </outwardlinks>\n'
             "                                    </issuelinktype>\n                    </issuelinks>\n")
    put("jira/view.txt", "<!-- \nRSS generated by JIRA (9.4.0) at Thu Feb 08 23:07:27 UTC 2024\n-->\n<rss version=\"0.92\" >\n<channel>\n"
        "    <title>Demo Jira</title>\n    <link>https://issues.example.org</link>\n    <description>This file is an XML representation of an issue</description>\n"
        "    <language>en-us</language>    <build-info>\n        <version>9.4.0</version>\n    </build-info>\n\n"
        + item("DEMO-1", "NPE & more", shown, comments=comments)
        + item("DEMO-2", "the same", "<p>With Python:</p><pre class=\"code-python\">" + html.escape(PYTHON) + "</pre>", links=links)
        + item("DEMO-3", "a wish", "<p>No stack at all.</p>") + "</channel>\n</rss>\n")
    fields = {"summary": "NPE", "issuetype": {"name": "Bug"}, "project": {"id": "1", "key": "DEMO", "name": "Demo"},
              "created": "2024-02-08T21:07:27.000+0000", "versions": [{"id": "1", "name": "2.0.1"}], "components": [], "environment": "Linux",
              "status": {"name": "Closed"}, "resolution": {"name": "Duplicate"}, "priority": {"name": "Major"},
              "issuelinks": [{"id": "2", "type": {"id": "2", "name": "Duplicate", "inward": "is duplicated by", "outward": "duplicates"},
                              "outwardIssue": {"key": "DEMO-1"}}]}
    put("jira/issue.txt", json.dumps({"expand": "renderedFields", "id": "10004", "self": "https://issues.example.org/rest/api/2/issue/10004",
        "key": "DEMO-4", "fields": dict(fields, description="It dies with\r\n{noformat}\r\n" + JAVA.replace("\n", "\r\n") + "{noformat}\r\nevery time.",
        comment={"comments": [{"id": "5", "body": "{code:title=valgrind|borderStyle=solid}\r\n" + VALGRIND + "{code}", "created": "2024-02-10T10:00:00.000+0000"}],
                 "total": 1})}, indent=1))

    def paragraph(text):
        return {"type": "paragraph", "content": [{"type": "text", "text": text}]}

    adf = {"type": "doc", "version": 1, "content": [paragraph("It dies with"), {"type": "codeBlock", "attrs": {"language": "java"},
           "content": [{"type": "text", "text": JAVA}]}, {"type": "bulletList", "content": [{"type": "listItem", "content": [paragraph("always")]}]}]}
    broken = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [part for line in GDB.splitlines()
              for part in ({"type": "text", "text": line or " "}, {"type": "hardBreak"})]}]}
    put("jira/search.txt", json.dumps({"expand": "schema,names", "startAt": 0, "maxResults": 50, "total": 3, "issues": [
        {"id": "1", "key": "DEMO-5", "fields": dict(fields, description=adf, issuelinks=[])},
        {"id": "2", "key": "DEMO-6", "fields": dict(fields, description=broken, issuelinks=[], created="2024-02-09T21:07:27.000+0100")},
        {"id": "3", "key": "DEMO-7", "fields": dict(fields, description=None)}]}))


# ---- pages ----

def write_pages():
    put("prose/page.txt", "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Bug 7 &ndash; demo &lt;dies&gt;</title>\n"
        "<style>pre { color: red; }</style><script>if (a < b && c > d) crash();</script></head>\n<body class=\"x\"><div id=\"main\">\n<h1>Bug 7</h1>"
        "<p>This is what <b>gdb</b> says:<br>see below.</p>\n<pre class=\"bz_comment_text\">" + html.escape(report("gdb/names.txt"))
        + "</pre>\n<p>Regards</p></div>\n</body>\n</html>\n")
    indented = "".join("    " + line + "\n" for line in PYTHON.splitlines())
    put("prose/issue.txt", "# demo dies\n\nVersion 1.2, Linux. It ends like this:\n\n```\n" + JAVA + "```\n\nand valgrind says\n\n~~~console\n" + VALGRIND
        + "~~~\n\n## Steps\n\n1. start it\n2. wait\n")
    put("prose/quoted.txt", "On Thu, A User wrote:\n> it does this:\n>\n" + quote(ABORT) + "\nWhich version is that?\n")
    put("prose/wiki.txt", "h1. demo dies\n\n{code:java|title=log}\n" + JAVA + "{code}\n\n{noformat}\n" + GDB + "{noformat}\n")
    put("prose/indented.txt", "> On Thu, A User wrote:\n>\n> Python says\n>\n" + quote(indented) + ">\n> bye\n")


write_mail()
write_bugzilla()
write_jira()
write_pages()
