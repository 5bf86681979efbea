/* Counts lines, words and characters of its input. */
#include <ctype.h>
#include <stdio.h>

int main(void) {
    long lines = 0, words = 0, chars = 0;
    int inside = 0;
    for (int c; (c = getchar()) != EOF; chars++) {
        if (c == '\n') lines++;
        if (isspace(c)) inside = 0;
        else if (!inside) inside = 1, words++;
    }
    printf("%ld lines, %ld words, %ld characters\n", lines, words, chars);
    return 0;
}
