#include <iostream>
#include <string>
#include <vector>

int main() {
    const std::vector<std::string> names{"Ada", "Grace", "Margaret"};
    for (const auto& name : names) std::cout << "Hello, " << name << "!\n";
}
