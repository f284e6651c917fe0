#!/usr/bin/perl
# Check, approve and seal every sample PDF; programs of others judge the result:
# qpdf, pdfsig (NSS), pdftotext and pdftoppm (poppler), mutool.
use strict;
use warnings;
use utf8;
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output);

my ($build, $samples, $pki) = @ENV{qw(SGN_BUILDDIR SGN_SAMPLES SGN_PKI)};
plan skip_all => 'SGN_BUILDDIR, SGN_SAMPLES or SGN_PKI is not set (scripts/test sets them)' unless $build && $samples && $pki;
my $program = "$build/t/unit/pdf_sign";
system("make -s -C '$build' t/unit/pdf_sign > /dev/null 2>&1") unless -x $program;
plan skip_all => 't/unit/pdf_sign is not built' unless -x $program;
my $dir = tempdir(CLEANUP => 1);

sub slurp { my ($file) = @_; local $/; open my $in, '<:raw', $file or die "$file: $!"; return scalar <$in> }
my $documents = JSON::PP->new->utf8->decode(slurp("$samples/samples.json"))->{documents};
my $shape = $documents->{'decision-table.pdf'}{boxes};

sub run { my (@words) = @_; open my $out, '-|', "@words 2>&1" or die; local $/; my $text = <$out> // ''; close $out; return ($?, $text) }

sub sign {
    my ($in, $out, $who, $args) = @_;
    open my $file, '>:raw', "$dir/args" or die;
    print $file JSON::PP->new->utf8->encode({ now => '2026-11-20T10:15:30+07:00', contentsSize => 8192, %$args });
    close $file;
    my ($status, $text) = run("'$program' '$in' '$out' '$pki/certs/$who.pem' '$pki/certs/$who.key' '$dir/args'");
    return $status == 0 ? '' : $text || 'died';
}

# Displayed boxes; on pages that lie on their side somewhere inside.
sub boxes {
    my ($name) = @_;
    my %boxes = map { $_ => { %{ $documents->{$name}{boxes}{$_} // $shape->{$_} } } } qw(number day month signature seal check);
    for my $box (values %boxes) {
        @$box{qw(x y)} = (595.28 - $box->{x} - $box->{width}, 841.89 - $box->{y} - $box->{height}) if $name =~ /rotated-180/;
        $box->{y} *= 0.65 if $name =~ /rotated-(?:90|270)/;
    }
    return \%boxes;
}

sub judge {
    my ($file, $count, $name) = @_;
    my ($status, $text) = run("qpdf --check '$file'");
    is($status, 0, "$name: qpdf --check is clean") or diag $text;
    (undef, $text) = run("pdfsig -nocert '$file'");
    is(() = $text =~ /Signature is Valid/g, $count, "$name: pdfsig: $count valid") or diag $text;
    is(() = $text =~ /- Total document signed/g, 1, "$name: pdfsig: the newest covers the whole file") or diag $text;
    (undef, $text) = run("mutool info '$file'");
    unlike($text, qr/repair|error/i, "$name: mutool reads it without repair");
}

# Red and blue dots of the page, and where the red ones lie (share of the page).
sub dots {
    my ($file, $page) = @_;
    run("pdftoppm -cropbox -r 50 -f $page -l $page '$file' '$dir/page'");
    my ($ppm) = glob "$dir/page*.ppm";
    my $bytes = slurp($ppm);
    unlink $ppm;
    my ($width, $height) = $bytes =~ /\AP6\s+(\d+)\s+(\d+)\s+255\s/ or return;
    substr $bytes, 0, $+[0], '';
    my ($red, $blue, @box) = (0, 0, 1, 1, 0, 0);
    for my $at (0 .. $width * $height - 1) {
        my ($r, $g, $b) = unpack 'C3', substr $bytes, 3 * $at, 3;
        $blue++ if $b > $r + 60 && $b > $g + 60;
        next unless $r > $g + 100 && $r > $b + 100;
        $red++;
        my ($x, $y) = (($at % $width) / $width, 1 - int($at / $width) / $height);
        @box = ($x < $box[0] ? $x : $box[0], $y < $box[1] ? $y : $box[1], $x > $box[2] ? $x : $box[2], $y > $box[3] ? $y : $box[3]);
    }
    return ($red, $blue, $width / 50 * 72, $height / 50 * 72, @box);
}

my $signed = 0;
for my $name (sort keys %$documents) {
    next if $name =~ /^(?:annex|bad|empty|encrypted|javascript|leading|not-a|reserved|truncated|xfa|zero|scan-\d\d)/;
    my ($boxes, $file) = (boxes($name), "$samples/$name");
    my %reserve = map { $_ => $boxes->{$_} } qw(number day month seal);
    my $refused = sign($file, "$dir/1.pdf", 'reviewer', { kind => 'check', field => 'sgn_check', signerName => 'Trần Thị Bình',
        box => $boxes->{check}, reserve => \%reserve, lines => [ 'Kiểm tra thể thức', 'Trần Thị Bình', '2026-11-20T10:15:30+07:00' ] });
    is($refused, '', "$name: checked, number and date reserved") or next;
    judge("$dir/1.pdf", 1, $name);
    is(sign("$dir/1.pdf", "$dir/2.pdf", 'authority', { kind => 'approve', field => 'sgn_approve', signerName => 'Nguyễn Văn An',
        box => $boxes->{signature}, image => "\@$samples/signature.png" }), '', "$name: approved") or next;
    judge("$dir/2.pdf", 2, $name);
    is(sign("$dir/2.pdf", "$dir/3.pdf", 'seal-a', { kind => 'seal', fieldName => 'sgn_seal', image => "\@$samples/seal-a.png",
        imageWidthMm => 36, fill => { number => '07', day => '05', month => '02' } }), '', "$name: numbered and sealed") or next;
    judge("$dir/3.pdf", 3, $name);
    is(substr(slurp("$dir/3.pdf"), 0, -s $file), slurp($file), "$name: the original's bytes are as they were");
    my (undef, $text) = run("pdftotext -layout '$dir/3.pdf' -");
    utf8::decode($text);
    like($text, qr/Kiểm tra thể thức/, "$name: pdftotext returns the Vietnamese text");
    like($text, qr/(?<!\d)07(?!\d)/, "$name: and the number");
    my ($red, $blue, $width, $height, @box) = dots("$dir/3.pdf", $boxes->{seal}{page});
    # poppler knows no UserUnit; elsewhere the seal stands where it was asked for, 36 mm wide
    if ($name ne 'userunit.pdf') {
        ok($red > 500 && ($blue > 20 || $name =~ /^scan/), "$name: a red seal and a blue signature are drawn") or diag "$red red, $blue blue";
        ok(abs($box[0] * $width - $boxes->{seal}{x}) < 4 && abs($box[1] * $height - $boxes->{seal}{y}) < 4
            && abs(($box[2] - $box[0]) * $width - 102.05) < 5, "$name: the seal has its place and 36 mm")
            or diag "at @{[ $box[0] * $width ]} @{[ $box[1] * $height ]}, wide @{[ ($box[2] - $box[0]) * $width ]}; wanted $boxes->{seal}{x} $boxes->{seal}{y}";
    }
    $signed++;
}
ok($signed > 15, "$signed forms of PDF were signed three times");
done_testing();
