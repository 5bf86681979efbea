fn main() {
    let line = "x".repeat(63);
    loop {
        println!("{line}");
    }
}
