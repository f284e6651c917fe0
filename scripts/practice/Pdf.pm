# Writes the sample PDF files byte by byte, in each of the shapes that offices
# meet: plain table, xref stream with object streams, and the hybrid that
# Microsoft Word's "Save as PDF" makes.
package Pdf;
use strict;
use warnings;
use Compress::Zlib ();
use Digest::MD5 ();

sub new { return bless { objects => [undef], fonts => {} }, shift }

# Objects are numbered as they come; `add` with no body keeps a number free for `set`.
sub add {
    my ($self, $body) = @_;
    push @{ $self->{objects} }, { body => $body };
    return $#{ $self->{objects} };
}
sub set { my ($self, $number, $body) = @_; $self->{objects}[$number] = { body => $body }; return $number }

sub add_stream {
    my ($self, $dict, $data, $plain) = @_;
    if (!$plain) {
        $data = Compress::Zlib::compress($data, 9);
        $dict .= '/Filter/FlateDecode';
    }
    push @{ $self->{objects} }, { dict => $dict, data => $data };
    return $#{ $self->{objects} };
}

# Marks an object as one that a tagging writer keeps in an object stream.
sub pack_object { my ($self, $number) = @_; $self->{objects}[$number]{packed} = 1; return $number }

# Four objects and the program of a Type 0 font; to be called when all text is written.
sub add_font {
    my ($self, $font, $number) = @_;
    my $program = $font->subset;
    my $file = $self->add_stream('/Length1 ' . length $program, $program);
    my $scale = 1000 / $font->{units};
    my $box = join ' ', map { int $_ * $scale } @{ $font->{bbox} };
    my $flags = $font->{name} =~ /Italic/ ? 70 : 6;
    my $name = "SAMPLE+$font->{name}";
    my $descriptor = $self->add("<</Type/FontDescriptor/FontName/$name/Flags $flags/FontBBox[$box]/ItalicAngle "
        . ($font->{name} =~ /Italic/ ? -16 : 0) . "/Ascent 891/Descent -216/CapHeight 662/StemV 80/FontFile2 $file 0 R>>");
    my $widths = join '', map { sprintf '%d[%.0f]', $_, $font->glyph_width($_) } sort { $a <=> $b } keys %{ $font->{unicode} };
    my $cid = $self->add("<</Type/Font/Subtype/CIDFontType2/BaseFont/$name/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
        . "/FontDescriptor $descriptor 0 R/CIDToGIDMap/Identity/DW 1000/W[$widths]>>");
    my $map = $self->add_stream('', $font->to_unicode);
    return $self->set($number, "<</Type/Font/Subtype/Type0/BaseFont/$name/Encoding/Identity-H/DescendantFonts[$cid 0 R]/ToUnicode $map 0 R>>");
}

sub text_string { # UTF-16BE hex string
    my ($text) = @_;
    return '<FEFF' . join('', map { sprintf '%04X', ord $_ } split //, $text) . '>';
}

sub bytes_of {
    my ($object, $number, $eol) = @_;
    return "$number 0 obj$eol$object->{body}${eol}endobj$eol" if defined $object->{body};
    return "$number 0 obj$eol<<$object->{dict}/Length " . length($object->{data}) . ">>${eol}stream\r\n$object->{data}${eol}endstream${eol}endobj$eol";
}

sub ids { my ($bytes) = @_; my $id = uc Digest::MD5::md5_hex($bytes); return "/ID[<$id><$id>]" }

sub start { my ($self, $eol) = @_; return '%PDF-' . ($self->{version} || '1.7') . "$eol%\xb5\xb5\xb5\xb5$eol" }

sub trailer_keys {
    my ($self) = @_;
    return "/Root $self->{root} 0 R" . ($self->{info} ? "/Info $self->{info} 0 R" : '') . ($self->{trailer} || '');
}

sub as_table {
    my ($self) = @_;
    my $out = $self->start("\n");
    my @offsets;
    for my $number (1 .. $#{ $self->{objects} }) {
        $offsets[$number] = length $out;
        $out .= bytes_of($self->{objects}[$number], $number, "\n");
    }
    my $xref = length $out;
    $out .= 'xref' . "\n0 " . scalar(@{ $self->{objects} }) . "\n0000000000 65535 f \n";
    $out .= sprintf "%010d 00000 n \n", $offsets[$_] for 1 .. $#offsets;
    return $out . 'trailer' . "\n<</Size " . scalar(@{ $self->{objects} }) . $self->trailer_keys . ids($out) . ">>\nstartxref\n$xref\n%%EOF\n";
}

# An object stream of the given objects.
sub object_stream {
    my ($self, @numbers) = @_;
    my ($index, $body) = ('', '');
    for my $number (@numbers) {
        $index .= "$number " . length($body) . ' ';
        $body .= $self->{objects}[$number]{body} . "\n";
    }
    my $data = Compress::Zlib::compress($index . $body, 9);
    return { dict => '/Type/ObjStm/N ' . @numbers . '/First ' . length($index) . '/Filter/FlateDecode', data => $data };
}

sub as_stream {
    my ($self) = @_;
    my $last = $#{ $self->{objects} };
    my @packed = grep { defined $self->{objects}[$_]{body} } 1 .. $last;
    my ($holder, $self_number) = ($last + 1, $last + 2);
    my $out = $self->start("\n");
    my @rows = ([ 0, 0, 65535 ]);
    @rows[@packed] = map { [ 2, $holder, $_ ] } 0 .. $#packed;
    for my $number (grep { !$rows[$_] } 1 .. $last) {
        $rows[$number] = [ 1, length $out, 0 ];
        $out .= bytes_of($self->{objects}[$number], $number, "\n");
    }
    $rows[$holder] = [ 1, length $out, 0 ];
    $out .= bytes_of($self->object_stream(@packed), $holder, "\n");
    my $xref = length $out;
    $rows[$self_number] = [ 1, $xref, 0 ];
    my $data = Compress::Zlib::compress(join('', map { pack 'CNn', @$_ } @rows), 9);
    $out .= bytes_of({ dict => '/Type/XRef/Size ' . ($self_number + 1) . '/W[1 4 2]' . $self->trailer_keys . ids($out) . '/Filter/FlateDecode',
        data => $data }, $self_number, "\n");
    return $out . "startxref\n$xref\n%%EOF\n";
}

# As Word writes it: objects marked as packed live in an object stream and are
# free in the table (chained from entry 0); a second, empty section names the
# xref stream that knows them.
sub as_hybrid {
    my ($self) = @_;
    my $last = $#{ $self->{objects} };
    my @packed = grep { $self->{objects}[$_]{packed} } 1 .. $last;
    my %place;
    @place{@packed} = 0 .. $#packed;
    my ($holder, $self_number) = ($last + 1, $last + 2);
    my $out = $self->start("\r\n");
    my @rows = ([ 0, 0, 65535 ]);
    for my $number (1 .. $last) {
        if (exists $place{$number}) { $rows[$number] = [ 2, $holder, $place{$number} ]; next }
        $rows[$number] = [ 1, length $out, 0 ];
        $out .= bytes_of($self->{objects}[$number], $number, "\r\n");
    }
    $rows[$holder] = [ 1, length $out, 0 ];
    $out .= bytes_of($self->object_stream(@packed), $holder, "\r\n");
    my $stream_at = length $out;
    my $keys = $self->trailer_keys . ids($out);
    my $data = Compress::Zlib::compress(join('', map { pack 'CNn', @$_ } @rows), 9);
    $out .= bytes_of({ dict => "/Type/XRef/Size $self_number/W[ 1 4 2] $keys /Filter/FlateDecode", data => $data }, $self_number, "\r\n");
    my $table = length $out;
    my @free = (@packed, 0);
    $out .= sprintf "xref\r\n0 %d\r\n%010d 65535 f\r\n", $self_number + 1, shift @free;
    for my $number (1 .. $self_number) {
        $out .= exists $place{$number} ? sprintf "%010d 65535 f\r\n", shift @free
            : sprintf "%010d 00000 n\r\n", $number == $self_number ? $stream_at : $rows[$number][1];
    }
    my $size = $self_number + 1;
    $out .= "trailer\r\n<</Size $size$keys >>\r\nstartxref\r\n$table\r\n%%EOF\r\n";
    my $second = length $out;
    return $out . "xref\r\n0 0\r\ntrailer\r\n<</Size $size$keys /Prev $table/XRefStm $stream_at>>\r\nstartxref\r\n$second\r\n%%EOF";
}

1;
