<?php

for ($kept = [];;) {
    $kept[] = str_repeat("x", 8 * 1024 * 1024);
}
