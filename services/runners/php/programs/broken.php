<?php

echo "never\n"
echo "ever\n";
