<?php

echo "before\n";
throw new Exception("on purpose");
