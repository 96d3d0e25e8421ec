-- SPDX-License-Identifier: Apache-2.0
-- lua died.lua WHAT: dies of an error that nobody catches.
local Shape = {}
Shape.__index = Shape

function Shape:side(which)
	return self.sides[which].length
end

local function area(what, shape)
	if what == "index" then
		local n = shape:side(9)
		return n
	elseif what == "error" then
		error("no such shape\nsecond line")
	elseif what == "table" then
		error({ code = 3 })
	elseif what == "assert" then
		assert(shape == nil, "a shape")
	elseif what == "tail" then
		return shape.side(nil, 1)
	elseif what == "sort" then
		table.sort({ 3, 1, 2 }, function(a, b) return a < shape end)
	elseif what == "deep" then
		local n = area_again(what, shape)
		return 1 + n
	elseif what == "string" then
		local f = load("return function(x) return 1 + x.y.z end")()
		local n = f({})
		return n
	end
end

function area_again(what, shape)
	local n = area(what, shape)
	return n
end

function draw(what)
	local shape = setmetatable({ sides = {} }, Shape)
	local n = area(what, shape)
	print(n)
end

local thread = coroutine.wrap(function(what) draw(what) end)
if arg[2] then thread(arg[1]) else draw(arg[1]) end
