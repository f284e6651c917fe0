#!/usr/bin/perl
# The sample documents are what their names say, by other people's readers.
use strict;
use warnings;
use utf8;
use File::Basename qw(dirname);
use File::Spec;
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
binmode Test::More->builder->output, ':encoding(UTF-8)';

my $scripts = File::Spec->rel2abs(dirname(__FILE__) . '/../../scripts');
my $dir = $ENV{SGN_SAMPLES};
if (!$dir) {
    $dir = tempdir(CLEANUP => 1);
    system("'$scripts/practice-samples' '$dir'") == 0 or BAIL_OUT('no samples');
}
my $list = do { open my $in, '<:raw', "$dir/samples.json" or die; local $/; JSON::PP->new->utf8->decode(<$in>) };
my $documents = $list->{documents};
cmp_ok(scalar keys %$documents, '>', 40, 'there are many');
my %broken = map { ("$_.pdf" => 1) } qw(not-a-pdf empty truncated bad-startxref encrypted-password);
for my $name (sort keys %$documents) {
    my $said = `qpdf --check '$dir/$name' 2>&1`;
    my $clean = $? == 0;
    if ($broken{$name}) { ok(!$clean, "$name is broken on purpose") }
    else { ok($clean, "$name is clean to qpdf") or diag $said }
}
for my $name (grep { /^decision-/ } sort keys %$documents) {
    my $text = `pdftotext -layout '$dir/$name' -`;
    utf8::decode($text);
    like($text, qr/CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM/, "$name: the text is real text");
    like($text, qr/Nguyễn Văn An/, "$name: with the signer's name");
}
my $hybrid = do { open my $in, '<:raw', "$dir/decision-hybrid.pdf" or die; local $/; <$in> };
like($hybrid, qr{xref\r\n0 0\r\ntrailer\r\n<<[^>]*<[^>]*><[^>]*>\] /Prev \d+/XRefStm \d+>>\r\nstartxref\r\n\d+\r\n%%EOF\z}, 'the hybrid ends as Word ends it');
my $boxes = $documents->{'decision-hybrid.pdf'}{boxes};
my ($signature, $seal) = @$boxes{qw(signature seal)};
my $overlap = ($seal->{x} + $seal->{width} - $signature->{x}) / $signature->{width};
ok($overlap > 0.28 && $overlap < 0.38, 'the seal covers a third of the signature [NĐ 30/2020, PL I]');
is(sprintf('%.1f', $seal->{width} / 72 * 25.4), '36.0', 'at its own size');
for my $image (qw(signature seal-a)) {
    open my $in, '<:raw', $list->{images}{$image} or die;
    read $in, my $head, 26;
    is(unpack('C', substr $head, 25, 1), 6, "$image.png has an alpha channel");
}
done_testing();
