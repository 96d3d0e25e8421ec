// SPDX-License-Identifier: Apache-2.0
/** Causes, a suppressed exception and a message of several lines that looks like a frame. */
public class Chained {
	static class Resource implements AutoCloseable {
		public void close() {
			throw new IllegalStateException("cannot close");
		}
	}

	static void deepest(int[] a, int i) {
		a[i] = 1;
	}

	static void middle() {
		try (Resource r = new Resource()) {
			deepest(new int[2], 7);
		} catch (ArrayIndexOutOfBoundsException e) {
			throw new IllegalArgumentException("first line\n at [Source: (String)\"{\"; line: 1, column: 2]", e);
		}
	}

	static void outer() {
		try {
			middle();
		} catch (IllegalArgumentException e) {
			throw new RuntimeException(e);
		}
	}

	public static void main(String[] args) {
		outer();
	}
}
