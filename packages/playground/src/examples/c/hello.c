#include <stdio.h>

int main(void) {
    puts("Hello, World!");
    fputs("This goes to standard error.\n", stderr);
    return 0;
}
