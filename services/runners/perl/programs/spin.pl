use strict;
use warnings;

1 while 1;
