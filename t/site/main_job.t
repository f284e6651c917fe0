#!/usr/bin/perl
# The main job on every everyday form of PDF, judged by programs of others.
use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;
use lib dirname(abs_path($0)) . '/../lib';
use SignVN::Site;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);
my $site = SignVN::Site->new;
my $client = $site->client;
my $dir = tempdir(CLEANUP => 1);

sub spew { my ($name, $bytes) = @_; open my $out, '>:raw', "$dir/$name" or die; print $out $bytes; close $out; return "$dir/$name" }

my @forms = $ENV{SIGNVN_ALL_FORMS} ? grep({ !/^(annex|letter)/ && $site->boxes($_) && $site->boxes($_)->{number} && /^(decision|inherited|pdf-2|pages|catalog-version|no-last)/ } sort keys %{ $site->{samples}{documents} })
    : qw(decision-hybrid.pdf decision-table.pdf decision-stream.pdf decision-linearized.pdf inherited-mediabox.pdf);
my ($sealed, $item, %numbers);
for my $form (@forms) {
    my $original = $site->sample($form);
    my ($approved) = eval { $client->sign(authority => $site->approval($form), $original) };
    ok($approved, "$form: approved") or diag($@), next;
    ok(substr($approved, 0, length $original) eq $original, "$form: the original's bytes are not rewritten");
    ($sealed, $item) = eval { $client->sign(clerk => $site->sealing, $approved) };
    ok($sealed, "$form: numbered, dated and sealed") or diag($@), next;
    ok(substr($sealed, 0, length $approved) eq $approved, "$form: nor are the approved ones");
    ok(!$numbers{ $item->{number} }++, "$form: the number $item->{number} is given once");
    my $file = spew('sealed.pdf', $sealed);
    is(system("qpdf --check '$file' > '$dir/qpdf' 2>&1"), 0, "$form: qpdf --check is clean") or diag(Client::slurp("$dir/qpdf"));
    my $pdfsig = `pdfsig -nocert '$file' 2>&1`;
    is(() = $pdfsig =~ /Signature is Valid/g, 2, "$form: pdfsig: both signatures are valid") or diag($pdfsig);
    like($pdfsig, qr/Total document signed(?!.*Total document signed)(?:(?!Signature #).)*\z/s, "$form: pdfsig: the last covers the whole file");
    my $text = `pdftotext -layout '$file' - 2>&1`;
    utf8::decode($text);
    my ($day, $month) = (localtime(time + 0))[3, 4];
    like($text, qr/\b$item->{number}\b/, "$form: pdftotext returns the number");
    like($text, qr/CHỦ TỊCH/, "$form: and the Vietnamese text");
    is(system("mutool info '$file' > /dev/null 2>&1"), 0, "$form: mutool reads it");
    my $report = $client->validate($sealed);
    is($report->{indication}, 'TOTAL-PASSED', "$form: we say TOTAL-PASSED") or diag($Client::json->pretty->encode($report));
    is($report->{legalValue}, 'full', "$form: signed and sealed");
    is(join(' ', map { $_->{kind} } @{ $report->{signatures} }), 'approve seal', "$form: the kinds are read from the signed bytes");
    is(join(' ', map { $_->{level} } @{ $report->{signatures} }), 'B-T B-T', "$form: both have a time-stamp");
    is($report->{signatures}[0]{changesAfter}, 'permitted', "$form: the seal is a permitted change");
}

# A byte flipped anywhere in a signed range is never TOTAL-PASSED.
if ($sealed) {
    my $length = length $sealed;
    # The placeholder of the last signature is in nobody's range.
    my ($from, $to);
    ($from, $to) = ($1, $2) while $sealed =~ m{/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+\d+\s*\]}g;
    ok($from && $to && $to <= $length, 'flipped bytes: the last range is found');
    my ($passed, $failed, $tried) = (0, 0, 0);
    for my $k (0 .. 79) {
        my $at = int($length * ($k + 0.37) / 80);
        next if $at >= $from && $at < $to;
        my $bad = $sealed;
        substr($bad, $at, 1) = chr(ord(substr $bad, $at, 1) ^ 1);
        my $report = $client->validate($bad);
        $tried++;
        $passed++ if ($report->{indication} // '') eq 'TOTAL-PASSED';
        $failed++ if ($report->{indication} // '') eq 'TOTAL-FAILED';
    }
    is($passed, 0, "flipped bytes: none of $tried passes");
    cmp_ok($failed, '>', $tried / 2, "flipped bytes: most are TOTAL-FAILED ($failed of $tried)");

    my $page = $client->call(clerk => POST => '/signvn/v1/validations', content => $sealed, headers => { 'Content-Type' => 'application/pdf', Accept => 'text/html' });
    like($page->{headers}{'content-type'} // '', qr{^text/html}, 'the report as a page');
    ok($client->validate($sealed)->{practice}, 'B33: the report of a practice site says so');
    like($page->{content}, qr/class="practice"/, 'B33: and its page');
    ok(Client::decode($client->call(clerk => GET => '/signvn/v1/session'))->{practice}, 'B33: and the session that the pages show');
    my @linked = $page->{content} =~ m{(?:href|src)="([^"]+)"}g;
    ok(scalar @linked, 'the report has its sheet');
    is($client->call(clerk => GET => $_)->{status}, 200, "the report's $_ is there") for @linked;

    my $answer = $client->call(archivist => GET => "/signvn/v1/archive/$item->{archived}/original");
    ok($answer->{content} eq $sealed, 'archive: the same bytes');
    is($answer->{headers}{etag}, '"' . sha256_hex($sealed) . '"', 'archive: strong ETag is the sha256');
    $answer = $client->call(archivist => GET => "/signvn/v1/archive/$item->{archived}/original", headers => { Range => 'bytes=100-199' });
    is($answer->{status}, 206, 'archive: a range');
    ok($answer->{content} eq substr($sealed, 100, 100), 'archive: with its bytes');
    my $kept = Client::decode($client->call(archivist => GET => "/signvn/v1/archive/$item->{archived}/evidence"))->{evidence} || [];
    ok(scalar(grep { $_->{kind} eq 'ocsp' } @$kept), 'archive: OCSP answers of the moment are kept [SV-I06]');
    ok(scalar(grep { $_->{kind} eq 'crl' } @$kept), 'archive: and the CRL of the issuing CA');
    ok(!(grep { !$_->{size} || $_->{sha256} !~ /^[0-9a-f]{64}$/ } @$kept), 'archive: each with its size and digest');
    my ($job, $again) = $client->post_job(clerk => $site->sealing, $sealed);
    is($job->{code}, 'seal.already-sealed', 'B3: the sealed file is not sealed again');
    is($again->{status}, 409, 'B3: 409');
}
done_testing;
