# SPDX-License-Identifier: Apache-2.0
# Rscript died.R WHAT: stops, as a script does and with traceback().
what <- commandArgs(TRUE)[1]
shape <- list(sides = 1:3)
side <- function(s, which) s$sides[[which]]
checked <- function(s, n) if (n > 3) stop("too many sides: ", n, call. = what != "nocall") else n
area <- function(s, n) {
  switch(sub("^tb-", "", what),
    index = side(s, n) + 1,
    stop = checked(s, n),
    nocall = checked(s, n),
    long = stop("a message that is so long that R puts it on a line of its own below the call that it came from, really"),
    type = log("a" + n),
    apply = sum(vapply(1:3, function(i) checked(s, i + 1), 0)),
    warn = { warning("cheap"); checked(s, n) })
}
draw <- function(n) print(area(shape, n))
if (startsWith(what, "tb-")) options(error = function() { traceback(3); quit(status = 1) }, keep.source = TRUE)
draw(9)
