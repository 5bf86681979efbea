#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>

int main() {
  std::ifstream from("data.txt");
  std::ofstream to("out/result.txt");
  std::transform(std::istreambuf_iterator<char>(from), {}, std::ostreambuf_iterator<char>(to),
                 [](unsigned char character) { return std::toupper(character); });
}
