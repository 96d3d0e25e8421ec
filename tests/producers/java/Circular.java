// SPDX-License-Identifier: Apache-2.0
/** An exception that is its own cause's cause, without a package or message. */
public class Circular {
	static class Odd extends Exception {
	}

	public static void main(String[] args) throws Exception {
		Odd a = new Odd();
		RuntimeException b = new RuntimeException("b", a);
		a.initCause(b);
		throw a;
	}
}
