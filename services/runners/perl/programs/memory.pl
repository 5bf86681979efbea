use strict;
use warnings;

my @kept;
push @kept, scalar('x' x (8 * 1024 * 1024 + @kept)) while 1;
