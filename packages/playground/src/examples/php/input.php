<?php
// Adds up the numbers in its input.
$lines = file('php://stdin', FILE_IGNORE_NEW_LINES);
echo 'The sum is ', array_sum(array_map('floatval', $lines)), ".\n";
