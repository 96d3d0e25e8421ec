// SPDX-License-Identifier: Apache-2.0
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.List;

/** Frames of lambdas, of a proxy, of reflection and of native methods, on a thread with a name of its own. */
public class Lambdas {
	public static void main(String[] args) throws Exception {
		InvocationHandler fail = (proxy, method, a) -> {
			throw new UnsupportedOperationException("no " + method.getName());
		};
		Runnable r = (Runnable) Proxy.newProxyInstance(Lambdas.class.getClassLoader(), new Class<?>[] { Runnable.class }, fail);
		Thread t = new Thread(() -> List.of(1).forEach(i -> {
			try {
				Runnable.class.getMethod("run").invoke(r);
			} catch (ReflectiveOperationException e) {
				throw new RuntimeException("in lambda", e.getCause());
			}
		}), "worker \"one\"");
		t.start();
		t.join();
	}
}
