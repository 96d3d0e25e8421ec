// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <map>
#include <string>

#include "shop.h"

namespace invoice {

struct Line {
	std::string quantity, price;
};

// The fault: a quantity that is no number.
template <typename Number> __attribute__((noinline)) Number amount(const std::string &text)
{
	return static_cast<Number>(std::stod(text));
}

__attribute__((noinline)) double total(const std::map<int, Line> &lines)
{
	double sum = 0;
	for (const auto &[number, line] : lines)
		sum += amount<int>(line.quantity) * amount<double>(line.price);
	return sum;
}

} // namespace invoice

void invoice_write(const char *quantity, const char *price)
{
	std::map<int, invoice::Line> lines;
	lines[1] = { quantity, price };
	std::printf("total %.2f\n", invoice::total(lines));
}
