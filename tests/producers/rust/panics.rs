// SPDX-License-Identifier: Apache-2.0

//! Panics of every kind: panics KIND.
use std::collections::HashMap;

trait Shape {
    fn area(&self, sides: &[f64]) -> f64;
}

struct Square;

impl Shape for Square {
    fn area(&self, sides: &[f64]) -> f64 {
        sides[7]
    }
}

struct Falls;

impl Drop for Falls {
    fn drop(&mut self) {
        panic!("while dropping");
    }
}

#[inline(never)]
fn index(shape: &dyn Shape) -> f64 {
    shape.area(&[1.0, 2.0])
}

#[inline(never)]
fn down(n: u64) -> u64 {
    if n == u64::MAX { 0 } else { down(n + 1) + std::hint::black_box(n) }
}

fn main() {
    match std::env::args().nth(1).unwrap_or_default().as_str() {
        "index" => println!("{}", index(&Square)),
        "message" => panic!("first line\nsecond line, src/x.rs:1:2"),
        "closure" => (0..3).map(|i| if i == 2 { HashMap::<i32, i32>::new()[&i] } else { i }).for_each(|_| ()),
        "thread" => {
            let t = std::thread::Builder::new().name("worker".into());
            t.spawn(|| None::<i32>.unwrap()).unwrap().join().unwrap();
        }
        "overflow" => println!("{}", down(0)),
        "twice" => {
            let _falls = Falls;
            panic!("at first");
        }
        "memory" => {
            let n = std::hint::black_box(1usize << 62);
            println!("{}", Vec::<u8>::with_capacity(n).capacity());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn fails() {
        assert_eq!(1 + 1, 3, "sums are {}", "hard");
    }

    #[test]
    fn fails_too() {
        super::index(&super::Square);
    }
}
