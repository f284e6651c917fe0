# A TrueType font for the sample files: widths, characters and a subset that
# keeps its glyph numbers, so that the page can be written before the subset.
# Reads Liberation Serif 2 only; it checks nothing a hostile font could abuse.
package Font;
use strict;
use warnings;

sub new {
    my ($class, $path, $name) = @_;
    open my $in, '<:raw', $path or die "$path: $!\n";
    local $/;
    my $data = <$in>;
    my $self = bless { data => $data, name => $name, used => { 0 => 1 }, unicode => {} }, $class;
    my $count = unpack 'n', substr $data, 4, 2;
    for my $i (0 .. $count - 1) {
        my ($tag, undef, $offset, $length) = unpack 'a4NNN', substr $data, 12 + 16 * $i, 16;
        $self->{tables}{$tag} = substr $data, $offset, $length;
    }
    my $head = $self->{tables}{head};
    $self->{units} = unpack 'n', substr $head, 18, 2;
    @{ $self->{bbox} } = map { $_ > 32767 ? $_ - 65536 : $_ } unpack 'n4', substr $head, 36, 8;
    my $long = unpack 'n', substr $head, 50, 2;
    my $metrics = unpack 'n', substr $self->{tables}{hhea}, 34, 2;
    my @hmtx = unpack '(nn)' . $metrics, $self->{tables}{hmtx};
    $self->{advance} = [ map { $hmtx[2 * $_] } 0 .. $metrics - 1 ];
    my $loca = $self->{tables}{loca};
    $self->{loca} = $long ? [ unpack 'N*', $loca ] : [ map { 2 * $_ } unpack 'n*', $loca ];
    $self->read_cmap;
    return $self;
}

# format 4, the Unicode BMP table
sub read_cmap {
    my ($self) = @_;
    my $cmap = $self->{tables}{cmap};
    my $count = unpack 'n', substr $cmap, 2, 2;
    my $sub;
    for my $i (0 .. $count - 1) {
        my ($platform, $encoding, $offset) = unpack 'nnN', substr $cmap, 4 + 8 * $i, 8;
        $sub = substr $cmap, $offset if $platform == 3 && $encoding == 1;
    }
    die "no Unicode map in $self->{name}\n" unless $sub && unpack('n', $sub) == 4;
    my $segments = unpack('n', substr $sub, 6, 2) / 2;
    my @end = unpack "n$segments", substr $sub, 14;
    my @start = unpack "n$segments", substr $sub, 16 + 2 * $segments;
    my @delta = unpack "n$segments", substr $sub, 16 + 4 * $segments;
    my $ranges = 16 + 6 * $segments;
    my @range = unpack "n$segments", substr $sub, $ranges;
    for my $s (0 .. $segments - 1) {
        for my $char ($start[$s] .. $end[$s]) {
            next if $char == 0xffff;
            my $glyph = $char;
            if ($range[$s]) {
                $glyph = unpack 'n', substr $sub, $ranges + 2 * $s + $range[$s] + 2 * ($char - $start[$s]), 2;
                next unless $glyph;
            }
            $self->{cmap}{$char} = ($glyph + $delta[$s]) & 0xffff;
        }
    }
}

# Glyphs of a character string, remembered for the subset and for ToUnicode.
sub glyphs {
    my ($self, $text) = @_;
    return map {
        my $glyph = $self->{cmap}{ ord $_ } // die sprintf "%s has no U+%04X\n", $self->{name}, ord $_;
        $self->{used}{$glyph} = 1;
        $self->{unicode}{$glyph} //= ord $_;
        $glyph;
    } split //, $text;
}

sub glyph_width {
    my ($self, $glyph) = @_;
    my $advance = $self->{advance};
    return $advance->[ $glyph < @$advance ? $glyph : -1 ] * 1000 / $self->{units};
}

sub width {
    my ($self, $text, $size) = @_;
    my $sum = 0;
    $sum += $self->glyph_width($_) for $self->glyphs($text);
    return $sum * $size / 1000;
}

sub hex {
    my ($self, $text) = @_;
    return '<' . join('', map { sprintf '%04X', $_ } $self->glyphs($text)) . '>';
}

sub outline {
    my ($self, $glyph) = @_;
    my ($from, $to) = @{ $self->{loca} }[ $glyph, $glyph + 1 ];
    return substr $self->{tables}{glyf}, $from, $to - $from;
}

# Parts of composite glyphs come along.
sub close_over_parts {
    my ($self) = @_;
    my @todo = keys %{ $self->{used} };
    while (defined(my $glyph = shift @todo)) {
        my $data = $self->outline($glyph);
        next if length $data < 10 || unpack('n', $data) < 0x8000;
        my ($at, $flags) = (10, 0x20);
        while ($flags & 0x20) {
            ($flags, my $part) = unpack 'nn', substr $data, $at, 4;
            push @todo, $part unless $self->{used}{$part}++;
            $at += 4 + ($flags & 1 ? 4 : 2) + ($flags & 8 ? 2 : $flags & 0x40 ? 4 : $flags & 0x80 ? 8 : 0);
        }
    }
}

sub subset {
    my ($self) = @_;
    $self->close_over_parts;
    my ($glyf, @loca) = ('', 0);
    for my $glyph (0 .. $#{ $self->{loca} } - 1) {
        if ($self->{used}{$glyph}) {
            $glyf .= $self->outline($glyph);
            $glyf .= "\0" x (-length($glyf) % 4);
        }
        push @loca, length $glyf;
    }
    my %out = map { $_ => $self->{tables}{$_} } grep { $self->{tables}{$_} } 'cvt ', 'fpgm', 'head', 'hhea', 'hmtx', 'maxp', 'prep';
    $out{glyf} = $glyf;
    $out{loca} = pack 'N*', @loca;
    substr $out{head}, 50, 2, pack 'n', 1;
    my @tags = sort keys %out;
    my $search = 2**int(log(@tags) / log 2);
    my $file = pack 'NnnnnN0', 0x00010000, scalar @tags, 16 * $search, int(log($search) / log 2), 16 * (@tags - $search);
    my ($directory, $body, $offset) = ('', '', 12 + 16 * @tags);
    for my $tag (@tags) {
        my $table = $out{$tag} . "\0" x (-length($out{$tag}) % 4);
        my $sum = unpack '%32N*', $table;
        $directory .= pack 'a4NNN', $tag, $sum, $offset + length $body, length $out{$tag};
        $body .= $table;
    }
    return $file . $directory . $body;
}

sub to_unicode {
    my ($self) = @_;
    my $map = $self->{unicode};
    my @glyphs = sort { $a <=> $b } keys %$map;
    my $out = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        . "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n1 begincodespacerange <0000> <FFFF> endcodespacerange\n";
    while (my @some = splice @glyphs, 0, 100) {
        $out .= @some . " beginbfchar\n" . join('', map { sprintf "<%04X> <%04X>\n", $_, $map->{$_} } @some) . "endbfchar\n";
    }
    return $out . "endcmap CMapName currentdict /CMap defineresource pop end end\n";
}

1;
