-- SPDX-License-Identifier: Apache-2.0
-- Thrown WHAT: dies of an exception that nobody catches. ghc -O0 Thrown.hs, and with -prof -fprof-auto run with +RTS -xc.
module Main (main) where

import qualified Data.Map as Map
import Control.Exception
import GHC.Stack (HasCallStack)
import System.Environment (getArgs)

newtype BadShape = BadShape String deriving Show
instance Exception BadShape

side :: [Int] -> Int -> Int
side sides which = sides !! which
{-# NOINLINE side #-}

checked :: HasCallStack => Int -> Int
checked n | n > 3 = error ("too many sides: " ++ show n ++ "\nsecond line")
          | otherwise = n
{-# NOINLINE checked #-}

area :: HasCallStack => String -> Int -> Int
area "index" n = 1 + side [1, 2, 3] n
area "error" n = 1 + checked n
area "divide" n = 1 + n `div` (n - n)
area "map" n = 1 + Map.fromList [(1, 2)] Map.! n
area "custom" n = 1 + throw (BadShape (show n))
area "undefined" _ = 1 + undefined
area what _ = case what of "x" -> 1
{-# NOINLINE area #-}

main :: IO ()
main = do
  what <- fmap head getArgs
  print (area what 9)
