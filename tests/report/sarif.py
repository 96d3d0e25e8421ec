#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sarif.py WRITE_SAMPLE: what we write against the rules of SARIF 2.1.0 for the parts that we use (OASIS sarif-schema-2.1.0.json, transcribed)."""
import json
import subprocess
import sys
import urllib.parse

try:
    import jsonschema
except ImportError:
    print("skipped, because python3-jsonschema is not installed")
    sys.exit(77)


def closed(required, **properties):
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


STRING, COUNT = {"type": "string"}, {"type": "integer", "minimum": 0}
POSITIVE = {"type": "integer", "minimum": 1}
MESSAGE = closed(["text"], text=STRING)
PHYSICAL = closed(["artifactLocation"], artifactLocation=closed(["uri"], uri={"type": "string", "format": "uri-reference"}),
                  region=closed(["startLine"], startLine=POSITIVE))
LOCATION = closed([], physicalLocation=PHYSICAL, message=MESSAGE,
                  logicalLocations={"type": "array", "uniqueItems": True, "items": closed([], fullyQualifiedName=STRING, kind=STRING)})
FRAME = closed([], location=LOCATION, module=STRING)


def array(items, least=0):
    return {"type": "array", "minItems": least, "items": items}


RESULT = closed(
    ["message"], ruleId=STRING, ruleIndex={"type": "integer", "minimum": -1}, level={"enum": ["none", "note", "warning", "error"]}, message=MESSAGE,
    occurrenceCount=POSITIVE, baselineState={"enum": ["new", "unchanged", "updated", "absent"]},
    partialFingerprints={"type": "object", "additionalProperties": STRING}, locations=array(LOCATION),
    stacks=array(closed(["frames"], frames=array(FRAME))),
    codeFlows=array(closed(["threadFlows"], threadFlows=array(closed(["locations"], locations=array(FRAME, 1)), 1))), properties={"type": "object"})
LOG = closed(["version", "runs"], **{
    "$schema": {"type": "string", "format": "uri"}, "version": {"const": "2.1.0"},
    "runs": array(closed(["tool"], columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]}, results=array(RESULT),
                         tool=closed(["driver"], driver=closed(["name"], name=STRING, version=STRING, rules=array(closed(["id"], id=STRING))))))})


def read(kind):
    text = subprocess.run([sys.argv[1], kind, "sarif"], check=True, stdout=subprocess.PIPE).stdout.decode()  # strict: UTF-8
    log = json.loads(text)
    jsonschema.validate(log, LOG)
    run = log["runs"][0]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        flow = result["codeFlows"][0]["threadFlows"][0]["locations"]
        assert len(flow) == len(result["stacks"][0]["frames"])
        for frame in flow:
            uri = frame["location"].get("physicalLocation", {}).get("artifactLocation", {}).get("uri", "")
            assert uri.isascii() and not set(uri) & set(' "<>\\^`{|}\n'), uri
    return run["results"]


def main():
    results = read("small")
    assert [r["occurrenceCount"] for r in results] == [6, 3, 1]
    assert results[0]["ruleId"] == "UNKNOWN READ" and results[1]["ruleId"] == "crash"
    assert results[0]["partialFingerprints"] == {"whorl/bucket/v1": "g000000000001"}
    place = results[0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "src/first%20file.c"}, "region": {"startLine": 31}}, place
    assert results[1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "file:///usr/src/second.c"
    assert "physicalLocation" not in results[2]["locations"][0], "no file, but a function"
    hostile = read("hostile")
    assert urllib.parse.unquote(hostile[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]).startswith("</script>")


main()
