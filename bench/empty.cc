// The floor for `aldis agents list`: an empty C++ program, dynamically linked to libstdc++.
#include <iostream>

int main() { return std::cout.good() ? 0 : 1; }
