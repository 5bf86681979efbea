#include <iostream>
#include <span>

int main(int count, char **arguments) {
  for (auto argument : std::span(arguments, count).subspan(1)) std::cout << argument << '\n';
}
