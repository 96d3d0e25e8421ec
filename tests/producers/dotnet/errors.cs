// SPDX-License-Identifier: Apache-2.0
// errors.exe KIND: ends with an exception of that kind. mcs -debug errors.cs; mono --debug errors.exe KIND
using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace Shop
{
	class Missing : Exception
	{
		public Missing(string message, Exception inner) : base(message, inner) { }
	}

	class Shelf<T>
	{
		public class Lock
		{
			public void Open(T item) { throw new InvalidOperationException("the shelf is closed"); }
		}

		readonly List<T> items = new List<T>();

		public T Take(int index) { return items[index]; }

		public U Map<U>(Func<T, U> f, T item) { return f(item); }
	}

	static class Errors
	{
		[DllImport("libc")]
		static extern void abort();

		[DllImport("libc")]
		static extern IntPtr strlen(IntPtr text);

		static void Inner()
		{
			try {
				try {
					new Shelf<int>().Take(7);
				} catch (Exception e) {
					throw new Missing("no item\nin the shelf", e);
				}
			} catch (Exception e) {
				throw new ApplicationException("cannot sell", e);
			}
		}

		static async Task Later(int n)
		{
			await Task.Delay(1);
			if (n == 0)
				throw new TimeoutException("too late");
			await Later(n - 1);
		}

		static int Down(int n) { return Down(n + 1) + 1; }

		static void Main(string[] args)
		{
			switch (args[0]) {
			case "inner": Inner(); break;
			case "async": Later(2).GetAwaiter().GetResult(); break;
			case "aggregate": Task.WaitAll(Task.Run(() => Inner()), Task.Run(() => { throw new FormatException("b"); })); break;
			case "lambda": new[] { 1 }.Select(x => new Shelf<int>().Map<int>(y => y / (x - 1), x)).ToList(); break;
			case "nested": new Shelf<string>.Lock().Open("x"); break;
			case "thread": var t = new Thread(() => { object o = null; o.ToString(); }); t.Start(); t.Join(); break;
			case "overflow": Down(0); break;
			case "abort": abort(); break;
			case "segv": strlen(new IntPtr(8)); break;
			case "failfast": Environment.FailFast("no way on"); break;
			case "logged":
				for (int i = 0; i < 2; i++)
					try { Inner(); } catch (Exception e) { Console.Error.WriteLine("request {0} failed: {1}", i, e); }
				break;
			}
		}
	}
}
