use std::{thread, time::Duration};

fn main() {
    for tick in 1..=5 {
        if tick > 1 {
            thread::sleep(Duration::from_millis(100));
        }
        println!("tick {tick}"); // standard output is flushed at each line
    }
}
