/* SPDX-License-Identifier: Apache-2.0 */
/* Leak: a Java program that keeps what it should let go, in a map, until its heap is full. */
import java.util.HashMap;
import java.util.Map;

public class Leak {
	static final class Order {
		final long[] items = new long[40];
	}

	private static final Map<Integer, Order> open = new HashMap<>();

	public static void main(String[] args) throws InterruptedException {
		try {
			for (int i = 0;; i++) {
				open.put(i, new Order());
				if (i % 500 == 0)
					Thread.sleep(10);
			}
		} catch (OutOfMemoryError e) {
			Runtime.getRuntime().halt(3);
		}
	}
}
