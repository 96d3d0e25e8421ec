// SPDX-License-Identifier: Apache-2.0
// names: dies below functions whose names are hard to read.
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace {
struct Fault {
	int operator()(int x) const
	{
		return *reinterpret_cast<volatile int *>(static_cast<uintptr_t>(x));
	}
};
} // namespace

namespace outer {
template <typename T, int N> struct Box {
	T value;
	Box(T v) : value(v) { value(N); }
	int operator<<(int x) { return value(x); }
	operator bool() { return *this << 4; }
};

template <typename K, typename V> int visit(const std::map<K, std::vector<V>> &map, std::function<int(int)> f)
{
	int sum = f(static_cast<int>(map.size()));
	return sum;
}
} // namespace outer

int main()
{
	std::map<std::string, std::vector<int>> map{ { "a (b) at c.cc:3", { 1, 2 } } };
	auto lambda = [&map](int) {
		outer::Box<Fault, 8> box{ Fault() };
		return box ? static_cast<int>(map.size()) : 0;
	};
	return outer::visit(map, lambda);
}
