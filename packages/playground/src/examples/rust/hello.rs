fn main() {
    for name in ["Ada", "Grace", "Margaret"] {
        println!("Hello, {name}!");
    }
}
