// Adds up the numbers in its input.
use std::io;

fn main() {
    let sum: i64 = io::stdin()
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.trim().parse::<i64>().ok())
        .sum();
    println!("The sum is {sum}.");
}
