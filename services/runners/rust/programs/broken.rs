fn main() {
    let number: i32 = "never";
    println!("{number}");
}
