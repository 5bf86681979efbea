#include <chrono>
#include <iostream>
#include <thread>

using namespace std::chrono_literals;

int main() {
  for (int tick = 1; tick <= 5; tick++) {
    if (tick > 1) std::this_thread::sleep_for(100ms);
    std::cout << "tick " << tick << std::endl;
  }
}
