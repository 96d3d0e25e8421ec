// SPDX-License-Identifier: Apache-2.0
// thrown: an exception that nobody catches, below functions that were inlined.
#include <cstdlib>
#include <stdexcept>
#include <vector>

namespace shop {
static inline __attribute__((always_inline)) int inner(const std::vector<int> &items, unsigned long n)
{
	return items.at(n);
}

static inline __attribute__((always_inline)) int middle(const std::vector<int> &items)
{
	return inner(items, items.size() + 2) + 1;
}

struct Basket {
	std::vector<int> items;
	__attribute__((noinline)) int total() const { return middle(items) * 2; }
};
} // namespace shop

int main(int argc, char **)
{
	shop::Basket basket{ std::vector<int>(static_cast<unsigned>(argc), 7) };
	return basket.total();
}
