use strict;
use warnings;

print "Hello, $_!\n" for qw(Ada Grace Margaret);
