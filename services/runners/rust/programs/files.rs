use std::{fs, io};

fn main() -> io::Result<()> {
    fs::write("out/result.txt", fs::read_to_string("data.txt")?.to_uppercase())
}
