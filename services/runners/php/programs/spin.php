<?php

while (true);
