<?php

for ($tick = 1; $tick <= 5; $tick++) {
    if ($tick > 1) {
        usleep(100000);
    }
    echo "tick $tick\n";
}
