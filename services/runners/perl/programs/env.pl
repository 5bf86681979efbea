use strict;
use warnings;

print "$ENV{GREETING}\n";
