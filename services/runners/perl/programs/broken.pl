use strict;
use warnings;

print "never\n;
