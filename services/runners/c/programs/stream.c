#include <stdio.h>
#include <unistd.h>

int main(void) {
  for (int tick = 1; tick <= 5; tick++) {
    if (tick > 1) usleep(100000);
    printf("tick %d\n", tick);
    fflush(stdout);
  }
}
