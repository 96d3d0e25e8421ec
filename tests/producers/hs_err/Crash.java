// SPDX-License-Identifier: Apache-2.0
// Crash KIND: makes the JVM die and write its fatal error log.
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;

public class Crash {
	static native int strlen(long address);

	static sun.misc.Unsafe unsafe() throws Exception {
		Field field = sun.misc.Unsafe.class.getDeclaredField("theUnsafe");
		field.setAccessible(true);
		return (sun.misc.Unsafe) field.get(null);
	}

	static class Basket {
		int total(long address) throws Exception {
			return unsafe().getInt(address) + 1;
		}
	}

	static int compiled(long address, int n) throws Exception {
		int sum = 0;
		sun.misc.Unsafe unsafe = unsafe();
		long good = unsafe.allocateMemory(64);
		for (int i = 0; i < n; i++)
			sum += read(unsafe, i + 1 < n ? good : address);
		return sum;
	}

	static int read(sun.misc.Unsafe unsafe, long address) {
		return unsafe.getInt(address);
	}

	public static void main(String[] arguments) throws Exception {
		switch (arguments[0]) {
		case "unsafe":
			System.out.println(new Basket().total(16));
			break;
		case "compiled":
			for (int i = 0; i < 200; i++)
				compiled(16, i < 199 ? 0 : 2000000);
			break;
		case "jni":
			System.load(arguments[1]);
			Thread worker = new Thread(() -> System.out.println(strlen(16)), "worker");
			worker.start();
			worker.join();
			break;
		case "memory":
			List<long[]> all = new ArrayList<>();
			for (;;)
				all.add(new long[1 << 20]);
		case "wait":
			Thread.sleep(60000);
		}
	}
}
