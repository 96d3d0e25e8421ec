// SPDX-License-Identifier: Apache-2.0
// crash WAY: the same in C++, for names, templates, inlining and exceptions.
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace shop {

static volatile int zero;

struct Order {
	virtual ~Order() = default;
	virtual int total() const = 0;
};

struct Broken : Order {
	const int *price = nullptr;
	int total() const override { return *price + zero; }
};

template <typename T> struct Basket {
	std::vector<std::unique_ptr<T>> items;
	__attribute__((noinline)) int sum(int most) const
	{
		int sum = 0;
		for (const auto &item : items)
			sum += item->total();
		return sum % most;
	}
};

struct Key {
	int value;
	bool operator==(const Key &other) const;
};

__attribute__((noinline)) bool Key::operator==(const Key &other) const
{
	const volatile int *p = other.value ? nullptr : &value;
	return *p == value;
}

__attribute__((noinline)) int thrown(const std::string &what)
{
	throw std::runtime_error("no " + what);
}

__attribute__((noinline)) int by_lambda(const std::function<int(int)> &f)
{
	return f(1) + 1;
}

} // namespace shop

int main(int argc, char **argv)
{
	std::string way = argc > 1 ? argv[1] : "virtual";
	if (way == "virtual") {
		shop::Basket<shop::Order> basket;
		basket.items.push_back(std::make_unique<shop::Broken>());
		return basket.sum(7);
	}
	if (way == "operator")
		return shop::Key{ 1 } == shop::Key{ 1 };
	if (way == "thrown")
		return shop::thrown("goods");
	if (way == "at")
		return std::vector<int>().at(static_cast<size_t>(argc));
	if (way == "lambda")
		return shop::by_lambda([](int x) { return *reinterpret_cast<volatile int *>(x - 1); });
	if (way == "thread") {
		std::thread t([] { shop::by_lambda([](int x) { return *reinterpret_cast<volatile int *>(x - 1); }); });
		t.join();
	}
	return 2;
}
