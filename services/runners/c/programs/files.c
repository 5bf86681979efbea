#include <ctype.h>
#include <stdio.h>

int main(void) {
  FILE *from = fopen("data.txt", "r");
  FILE *to = fopen("out/result.txt", "w");
  int character;
  while ((character = getc(from)) != EOF) putc(toupper(character), to);
  fclose(to);
}
