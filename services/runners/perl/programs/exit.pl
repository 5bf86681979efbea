use strict;
use warnings;

print STDERR "bye\n";
exit 3;
