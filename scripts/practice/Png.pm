# Writes small PNG pictures: the signature and seal images of the practice site.
package Png;
use strict;
use warnings;
use Compress::Zlib ();

sub chunk { my ($type, $data) = @_; return pack('N', length $data) . $type . $data . pack 'N', Compress::Zlib::crc32($type . $data) }

# pixel($x, $y) gives [red, green, blue, alpha]; per_metre is the resolution.
sub write {
    my ($path, $width, $height, $per_metre, $alpha, $pixel) = @_;
    my $rows = '';
    for my $y (0 .. $height - 1) {
        $rows .= "\0";
        for my $x (0 .. $width - 1) {
            my @colour = @{ $pixel->($x, $y) };
            $rows .= pack $alpha ? 'C4' : 'C3', @colour;
        }
    }
    open my $out, '>:raw', $path or die "$path: $!\n";
    print $out "\x89PNG\r\n\x1a\n", chunk('IHDR', pack 'NNC5', $width, $height, 8, $alpha ? 6 : 2, 0, 0, 0),
        chunk('pHYs', pack 'NNC', $per_metre, $per_metre, 1), chunk('IDAT', Compress::Zlib::compress($rows, 9)), chunk('IEND', '');
    close $out;
}

# A pen stroke through points, anti-aliased by distance.
sub stroke {
    my ($points, $radius) = @_;
    return sub {
        my ($x, $y) = @_;
        my $best = 1e9;
        for my $i (1 .. $#$points) {
            my ($x1, $y1, $x2, $y2) = (@{ $points->[ $i - 1 ] }, @{ $points->[$i] });
            next if $x < ($x1 < $x2 ? $x1 : $x2) - 9 || $x > ($x1 > $x2 ? $x1 : $x2) + 9;
            my ($dx, $dy) = ($x2 - $x1, $y2 - $y1);
            my $t = $dx || $dy ? (($x - $x1) * $dx + ($y - $y1) * $dy) / ($dx * $dx + $dy * $dy) : 0;
            $t = $t < 0 ? 0 : $t > 1 ? 1 : $t;
            my $far = ($x - $x1 - $t * $dx)**2 + ($y - $y1 - $t * $dy)**2;
            $best = $far if $far < $best;
        }
        my $cover = $radius + 0.5 - sqrt $best;
        return $cover < 0 ? 0 : $cover > 1 ? 255 : int 255 * $cover;
    };
}

1;
