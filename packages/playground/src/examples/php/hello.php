<?php
foreach (['Ada', 'Grace', 'Margaret'] as $name) {
    echo "Hello, $name!\n";
}
