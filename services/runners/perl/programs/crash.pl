use strict;
use warnings;

print "before\n";
die "on purpose";
