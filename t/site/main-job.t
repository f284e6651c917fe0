#!/usr/bin/perl
# The main job on a whole practice site, for the shapes of file that offices
# have, judged by other people's readers: qpdf, poppler, mutool.
use strict;
use warnings;
use utf8;
use File::Basename qw(dirname);
use File::Spec;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP ();
use Test::More;
binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output);

my $scripts = File::Spec->rel2abs(dirname(__FILE__) . '/../../scripts');
my $root = tempdir('/tmp/signvn-site.XXXXXX', CLEANUP => 1);
chmod 0755, $root;
my $port = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)->sockport;
sub said { my $out = `@_ 2>&1`; utf8::decode($out); return ($? == 0, $out) }

my $line = `'$scripts/site' start --root '$root/s' --port $port`;
is($?, 0, 'the site starts') or BAIL_OUT('no site');
END { said("'$scripts/site' stop --root '$root/s'") if $root && -d "$root/s" }
my $site = eval { JSON::PP->new->utf8->decode($line) };
ok($site, 'and prints one JSON line');
is(scalar(() = $line =~ /\n/g), 1, 'of one line');
is_deeply([ sort keys %{ $site->{users} } ], [ sort qw(authority deputy clerk clerk2 authority2 reviewer reception archivist it inspector) ], 'with ten users');
is(scalar @{ $site->{tokens} }, 7, 'and seven tokens');
open my $out, '>', "$root/site.json" or die;
print $out $line;
close $out;

for my $name (qw(decision-hybrid decision-table decision-stream decision-linearized pages-3)) {
    my $to = "$root/$name";
    mkdir $to;
    my ($good, $said) = said("'$scripts/main-job' --site '$root/site.json' --samples '$root/s/samples' --pdf $name.pdf --out '$to'");
    ok($good, "$name: signed, sealed, validated, archived, found, backed up") or do { diag $said; next };
    ok((said("qpdf --check '$to/sealed.pdf'"))[0], "$name: qpdf is content");
    my $report = (said("pdfsig -nocert '$to/sealed.pdf'"))[1];
    is(scalar(() = $report =~ /Signature is Valid/g), 2, "$name: pdfsig calls both valid") or diag $report;
    like($report, qr/Signature #2:.*Total document signed/s, "$name: the last one covers the whole file");
    my $text = (said("pdftotext -layout '$to/sealed.pdf' -"))[1];
    like($text, qr/Số:\s*0?\d+\s*\/QĐ-UBND/, "$name: the number is text");
    like($text, qr/ngày\s+\d\d\s+tháng\s+\d\d?\s+năm 2026/, "$name: so is the date");
    like($text, qr/Nguyễn Văn An/, "$name: and the Vietnamese name");
    ok((said("mutool draw -r 60 -o '$to/page.png' '$to/sealed.pdf' 1"))[0], "$name: mupdf draws it");
    # a byte flipped in the signed range is never passed
    open my $in, '<:raw', "$to/sealed.pdf" or die;
    my $bytes = do { local $/; <$in> };
    substr($bytes, 2000, 1) ^= "\x01";
    open my $bad, '>:raw', "$to/flipped.pdf" or die;
    print $bad $bytes;
    close $bad;
    my $user = $site->{users}{clerk};
    my $verdict = (said("curl -s -u '$user->{name}:$user->{password}' -H 'Content-Type: application/pdf' --data-binary \@'$to/flipped.pdf' $site->{url}/signvn/v1/validations"))[1];
    unlike($verdict, qr/"indication": ?"TOTAL-PASSED"/, "$name: a flipped byte is never TOTAL-PASSED");
    like($verdict, qr/"indication": ?"TOTAL-FAILED"|"code"/, "$name: and the answer says so");
}
my $again = `'$scripts/site' start --root '$root/s' --port $port`;
is($again, $line, 'a second start tells the same');
done_testing();
