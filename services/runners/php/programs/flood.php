<?php

while (true) {
    echo str_repeat("x", 63), "\n";
}
