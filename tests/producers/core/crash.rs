// SPDX-License-Identifier: Apache-2.0
// crash WAY: the same in Rust; built with -C panic=abort for a core of a panic.
use std::collections::HashMap;

struct Shop {
    prices: HashMap<String, Vec<u32>>,
}

impl Shop {
    #[inline(never)]
    fn price(&self, name: &str, day: usize) -> u32 {
        self.prices[name][day]
    }
}

#[inline(never)]
fn read(address: usize) -> u32 {
    unsafe { std::ptr::read_volatile(address as *const u32) }
}

#[inline(never)]
fn deep(n: u32) -> u32 {
    if n == 0 {
        read(8)
    } else {
        deep(n - 1) + 1
    }
}

fn main() {
    let way = std::env::args().nth(1).unwrap_or_default();
    let shop = Shop { prices: HashMap::from([("tea".to_string(), vec![1, 2, 3])]) };
    let sum = match way.as_str() {
        "index" => shop.price("tea", 3),
        "unwrap" => way.find('x').map(|at| at as u32).unwrap(),
        "null" => deep(3),
        "closure" => (1..4u32).map(|n| deep(n)).sum(),
        "thread" => std::thread::spawn(|| deep(2)).join().unwrap_or(1),
        _ => 2,
    };
    println!("{sum}");
}
