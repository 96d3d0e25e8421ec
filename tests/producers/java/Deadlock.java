// SPDX-License-Identifier: Apache-2.0
/** Two threads that wait for each other, for jstack. */
public class Deadlock {
	static final Object a = new Object(), b = new Object();

	static void hold(Object first, Object second) {
		synchronized (first) {
			try {
				Thread.sleep(200);
			} catch (InterruptedException e) {
				return;
			}
			synchronized (second) {
				System.out.println("never");
			}
		}
	}

	public static void main(String[] args) {
		new Thread(() -> hold(a, b), "left").start();
		new Thread(() -> hold(b, a), "right").start();
	}
}
