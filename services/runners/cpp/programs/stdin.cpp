#include <algorithm>
#include <iostream>
#include <iterator>

int main() {
  std::copy(std::istreambuf_iterator<char>(std::cin), {}, std::ostreambuf_iterator<char>(std::cout));
}
