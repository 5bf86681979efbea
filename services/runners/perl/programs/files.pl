use strict;
use warnings;

open my $from, '<:encoding(UTF-8)', 'data.txt' or die $!;
open my $to, '>:encoding(UTF-8)', 'out/result.txt' or die $!;
print $to uc while <$from>;
