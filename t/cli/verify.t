#!/usr/bin/perl
# signvn verify and doctor: a file signed by openssl, with evidence from files;
# exit codes, languages, the terminal.
use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use Encode qw(decode_utf8 encode_utf8);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;

my $top = abs_path(dirname($0) . '/../..');
my $build = $ENV{SIGNVN_BUILD} // `'$top/scripts/build' --quiet`;
chomp $build;
my $signvn = "$build/signvn";
plan skip_all => "signvn is not built in $build" unless -x $signvn;
my $dir = tempdir(CLEANUP => 1);
my $pki = "$dir/pki";
system("$top/scripts/practice-pki", $pki) == 0 or BAIL_OUT('no practice PKI');

sub spew { my ($name, $bytes) = @_; open my $f, '>:raw', $name or die "$name: $!"; print $f $bytes; close $f; return $name }

# A PDF of one page whose only revision carries a signature that openssl makes.
sub signed {
    my ($name, $who, @options) = @_;
    my $room = 16384;
    my $hole = '<' . '0' x $room . '>';
    my @objects = (
        '<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]/SigFlags 3>>>>',
        '<</Type/Pages/Kids[3 0 R]/Count 1>>',
        '<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Annots[4 0 R]>>',
        '<</Type/Annot/Subtype/Widget/FT/Sig/T(s1)/F 132/Rect[0 0 0 0]/P 3 0 R/V 5 0 R>>',
        "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[0 XXXXXXXXXX XXXXXXXXXX XXXXXXXXXX]/Contents $hole>>",
    );
    my ($pdf, @at) = ("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n");
    for my $n (0 .. $#objects) { push @at, length $pdf; $pdf .= ($n + 1) . " 0 obj\n$objects[$n]\nendobj\n" }
    my $table = length $pdf;
    $pdf .= "xref\n0 6\n0000000000 65535 f \n" . join('', map { sprintf "%010d 00000 n \n", $_ } @at)
        . "trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n$table\n%%EOF\n";
    my $gap = index $pdf, $hole;
    my @range = ($gap, $gap + length $hole, length($pdf) - $gap - length $hole);
    for my $value (@range) { my $text = sprintf '%-10d', $value; $pdf =~ s/XXXXXXXXXX/$text/ }
    my $covered = spew("$dir/covered", substr($pdf, 0, $range[0]) . substr($pdf, $range[1]));
    system('openssl', 'cms', '-sign', '-binary', '-cades', '-md', 'sha256', '-outform', 'DER', '-in', $covered, '-out', "$dir/cms",
        '-signer', "$pki/certs/$who.pem", '-inkey', "$pki/certs/$who.key", '-certfile', "$pki/certs/issuing.pem", @options) == 0 or die 'openssl cms';
    open my $f, '<:raw', "$dir/cms" or die $!;
    my $hex = unpack 'H*', do { local $/; <$f> };
    substr($pdf, $gap + 1, length $hex) = $hex;
    return spew("$dir/$name", $pdf);
}

sub run {
    my $quoted = join ' ', map { my $word = encode_utf8($_); $word =~ s/'/'\\''/g; "'$word'" } @_;
    my $out = `'$signvn' $quoted 2>'$dir/err'`;
    open my $f, '<:raw', "$dir/err" or die $!;
    my $err = do { local $/; <$f> } // '';
    return ($? >> 8, decode_utf8($out), decode_utf8($err));
}

my @trust = ('--anchors', "$pki/anchors.pem", '--intermediates', "$pki/intermediates.pem");
my @evidence = map { ('--evidence', "$pki/crl/$_.crl") } qw(issuing government);
my $good = signed('good.pdf', 'authority');

my ($rc, $out, $err) = run('verify', $good, '--json', @trust, @evidence);
my $report = eval { JSON::PP->new->decode($out) } // {};
is($rc, 0, 'verify: a file signed by openssl passes with the CRLs given') or diag $out, $err;
is($report->{indication}, 'TOTAL-PASSED', 'verify: and says so');
is(scalar @{ $report->{signatures} // [] }, 1, 'verify: one signature is reported');
is($report->{signatures}[0]{intact} ? 1 : 0, 1, 'verify: it is intact');
is($report->{document}{name}, 'good.pdf', 'verify: the report names the file');

($rc, $out) = run('verify', $good, '--json', @trust);
$report = eval { JSON::PP->new->decode($out) } // {};
is($rc, 1, 'verify: without evidence of revocation it does not pass');
is($report->{indication}, 'INDETERMINATE', 'verify: what is unknown is not valid');

($rc, $out) = run('verify', $good, '--json', @evidence);
is($rc, 1, 'verify: without an anchor it does not pass');

open my $f, '<:raw', $good or die $!;
my $bytes = do { local $/; <$f> };
substr($bytes, index($bytes, '595'), 3) = '596';
my $flipped = spew("$dir/flipped.pdf", $bytes);
($rc, $out) = run('verify', $flipped, '--json', @trust, @evidence);
$report = eval { JSON::PP->new->decode($out) } // {};
is($rc, 1, 'verify: a byte changed in the signed range does not pass');
is($report->{indication}, 'TOTAL-FAILED', 'verify: it fails');

($rc, $out, $err) = run('verify', "$dir/nowhere.pdf", @trust);
is($rc, 2, 'verify: a file that is not there could not be looked at');
like($err, qr/file\.absent/, 'verify: and the code is named');
($rc, $out, $err) = run('verify', spew("$dir/empty.pdf", ''), @trust);
is($rc, 2, 'verify: an empty file could not be looked at');
like($err, qr/Tệp rỗng/, 'verify: in Vietnamese first');
($rc, $out, $err) = run('verify', '--lang', 'en', "$dir/empty.pdf", @trust);
like($err, qr/The file is empty/, 'verify: in English when asked');

($rc, $out) = run('verify', $good, $flipped, '--json', @trust, @evidence);
is($rc, 1, 'verify: of several files the worst counts');
is(scalar(split /\n/, $out), 2, 'verify: one line of JSON per file');
($rc, $out) = run('verify', $good, @trust, @evidence);
like($out, qr/Hợp lệ.*\[TOTAL-PASSED\]/, 'verify: the verdict is a sentence');

my $hostile = "$dir/\e[2Jhostile.pdf";
system('cp', $good, $hostile);
($rc, $out, $err) = run('verify', $hostile, @trust, @evidence);
is($rc, 0, 'verify: a file of a hostile name is looked at');
unlike($out . $err, qr/\e/, 'B31 verify: its name does not reach the terminal unescaped');

is((run('verify'))[0], 2, 'verify: without a file it says how it is used');
is((run('verify', $good, '--nonsense'))[0], 2, 'verify: an unknown option is refused');
is((run('verify', $good, '--anchors', "$dir/empty.pdf"))[0], 2, 'verify: a file without certificates is no anchor');

spew("$dir/conf", "SignVNStateDir $dir/nostate\nSignVNRunDir $dir\nSignVNProgramDir $build\n");
($rc, $out) = run('doctor', '--json', '--config', "$dir/conf");
my @checks = @{ (eval { JSON::PP->new->decode($out) }) || [] };
my %checks = map { $_->{check} => $_->{result} } @checks;
my ($clock) = grep { $_->{check} eq 'clock' } @checks;
is($clock->{result} eq 'ok' ? 'clock.unsure' : $clock->{code}, 'clock.unsure', 'doctor: a clock that nobody keeps is a warning by name');
is($rc, 1, 'doctor: not all is well without state and keeper');
is($checks{worker}, 'ok', 'doctor: the worker runs');
is($checks{state}, 'failed', 'doctor: the state directory is missing');
is($checks{keeper}, 'failed', 'doctor: no keeper answers');
is((run('doctor', '--config', "$dir/absent"))[0], 1, 'doctor: a configuration that is not there is the first finding');

done_testing();
