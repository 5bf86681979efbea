#include <iostream>
#include <string>

int main() {
  const std::string line(63, 'x');
  for (;;) std::cout << line << '\n';
}
