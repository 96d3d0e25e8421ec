// SPDX-License-Identifier: Apache-2.0
// crash WHAT: dies, and what it is built with says how. -DGLOG, -DABSEIL, -DBOOST choose a library; none is glibc's backtrace().
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <execinfo.h>
#include <signal.h>
#include <string>
#include <unistd.h>
#ifdef GLOG
#include <glog/logging.h>
#endif
#ifdef ABSEIL
#include <absl/debugging/failure_signal_handler.h>
#include <absl/debugging/symbolize.h>
#endif
#ifdef BOOST
#include <boost/stacktrace.hpp>
#include <iostream>
#endif

namespace shop {
struct order {
	const char *name;
	template <typename T> __attribute__((noinline)) T price(T n, const std::string &what);
};

template <typename T> T order::price(T n, const std::string &what)
{
	volatile int *nowhere = nullptr;
	char small[4];
	if (what == "null")
		return *nowhere + n;
	if (what == "overflow")
		strcpy(small, name);
	if (what == "abort")
		abort();
#ifdef GLOG
	if (what == "check")
		CHECK_EQ(n, 8) << "the price";
#endif
	return n + small[0];
}

__attribute__((noinline)) int total(order &o, const std::string &what)
{
	return 1 + o.price<int>(7, what);
}
}

static void say(int signal)
{
#ifdef BOOST
	std::cerr << boost::stacktrace::stacktrace();
#else
	void *calls[64];
	fprintf(stderr, "Error: signal %d:\n", signal);
	backtrace_symbols_fd(calls, backtrace(calls, 64), 2);
#endif
	_exit(1);
}

int main(int argc, char **argv)
{
#if defined GLOG
	google::InitGoogleLogging(argv[0]);
	google::InstallFailureSignalHandler();
	FLAGS_logtostderr = 1;
#elif defined ABSEIL
	absl::InitializeSymbolizer(argv[0]);
	absl::InstallFailureSignalHandler(absl::FailureSignalHandlerOptions());
#else
	signal(SIGSEGV, say);
	if (argc > 2)
		signal(SIGABRT, say);
#endif
	shop::order o = { argc > 1 ? argv[1] : "" };
	printf("%d\n", shop::total(o, argv[1]));
	return 0;
}
