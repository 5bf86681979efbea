<?php

file_put_contents("out/result.txt", strtoupper(file_get_contents("data.txt")));
