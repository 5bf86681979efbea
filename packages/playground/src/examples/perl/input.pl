# Counts the words of its input.
use strict;
use warnings;

my %count;
$count{lc $_}++ for map { split } <STDIN>;
printf "%3d %s\n", $count{$_}, $_ for sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
