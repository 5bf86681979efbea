#include <stdlib.h>
#include <string.h>

int main(void) {
  const size_t step = 8 << 20;
  char *kept = NULL;
  for (size_t size = step;; size += step) {
    kept = realloc(kept, size);
    memset(kept + size - step, 1, step);
  }
}
