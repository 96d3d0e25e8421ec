# SPDX-License-Identifier: Apache-2.0
# died WHAT: dies of an exception that nobody handles. nim c died.nim, with -d:release too.
import std/os

type BadShape = object of CatchableError

proc side(sides: seq[int], which: int): int =
  sides[which]

proc deep(n: int): int =
  if n > 1000: raise newException(BadShape, "too deep")
  result = 1 + deep(n + 1)

proc area(what: string, n: int): int =
  case what
  of "index": result = 1 + side(@[1, 2, 3], n)
  of "raise": raise newException(BadShape, "no such shape\nsecond line")
  of "deep": result = deep(0)
  of "again":
    try:
      result = side(@[1], n)
    except IndexDefect as e:
      raise newException(BadShape, "again", e)
  of "reraise":
    try:
      raise newException(BadShape, "first")
    except BadShape as e:
      e.msg.add " and again"
      raise
  of "assert": doAssert n < 3, "too many sides"
  of "nil":
    var p: ptr int
    result = p[] + 1
  else: discard

proc draw(what: string) =
  echo area(what, 9)

draw(paramStr(1))
