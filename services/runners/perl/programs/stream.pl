use strict;
use warnings;
use Time::HiRes 'sleep';

$| = 1;
for my $tick (1 .. 5) {
  sleep 0.1 if $tick > 1;
  print "tick $tick\n";
}
