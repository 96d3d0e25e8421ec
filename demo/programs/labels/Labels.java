// SPDX-License-Identifier: Apache-2.0
import java.util.*;

/** Labels MODE: prints the labels of parcels, and fails at it. The fault: an address without a country. */
public class Labels {
	record Address(String street, String country) {}

	static String line(Address address) {
		return address.street() + ", " + address.country().toUpperCase(Locale.ROOT);
	}

	static void print(Collection<Address> addresses) {
		addresses.stream().map(Labels::line).forEach(System.out::println);
	}

	static void printSorted(List<Address> addresses) {
		List<Address> sorted = new ArrayList<>(addresses);
		sorted.sort(Comparator.comparing(Address::street));
		print(sorted);
	}

	static void reprint(Address address) {
		System.out.println(line(address));
	}

	public static void main(String[] arguments) throws Exception {
		List<Address> all = List.of(new Address("1 High Street", "uk"), new Address("2 Low Road", null));
		switch (arguments[0]) {
		case "all" -> print(all);
		case "sorted" -> printSorted(all);
		default -> {
			Thread thread = new Thread(() -> reprint(all.get(1)), "reprint");
			thread.start();
			thread.join();
		}
		}
	}
}
