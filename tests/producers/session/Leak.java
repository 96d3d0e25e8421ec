// SPDX-License-Identifier: Apache-2.0
// Leak STEPS PAUSE_MS: a cache without bound.
import java.util.ArrayList;
import java.util.List;

public class Leak {
    static final class CacheEntry {
        final byte[] payload = new byte[512];
        CacheEntry next;
    }

    static final List<CacheEntry> cache = new ArrayList<>();

    public static void main(String[] arguments) throws InterruptedException {
        int steps = Integer.parseInt(arguments[0]), pause = Integer.parseInt(arguments[1]);
        for (int step = 0; step < steps; step++) {
            for (int i = 0; i < 2000; i++)
                cache.add(new CacheEntry());
            Thread.sleep(pause);
        }
    }
}
