// SPDX-License-Identifier: Apache-2.0
// thrown WHAT: dies of an error that nobody catches. gdc -g or ldc2 -g.
module thrown;

class BadShape : Exception
{
	this(string message, Throwable next = null)
	{
		super(message, __FILE__, __LINE__, next);
	}
}

struct Shape(T)
{
	T[] sides;

	T side(size_t which)
	{
		return sides[which];
	}
}

int area(string what, int n)
{
	auto shape = Shape!int([1, 2, 3]);
	if (what == "index")
		return shape.side(n);
	if (what == "assert")
		assert(n < 3, "too many sides");
	if (what == "cause")
	{
		try
			throw new Exception("inner");
		catch (Exception e)
			throw new BadShape("outer", e);
	}
	throw new BadShape("no such shape");
}

void main(string[] arguments)
{
	auto draw = (int n) => area(arguments[1], n);
	draw(9);
}
