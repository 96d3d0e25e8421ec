#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pages.sh WHORL SCDOC FOLDER: makes FOLDER/PAGE.1 of every manual page that the program knows.
set -eu
rm -rf "$3"
mkdir -p "$3"
for page in $("$1" help --pages); do
	"$1" help --scdoc "$page" >"$3/$page.scd"
	"$2" <"$3/$page.scd" >"$3/$page.1"
	rm "$3/$page.scd"
done
