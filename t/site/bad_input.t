#!/usr/bin/perl
# Everything that goes wrong on an ordinary day: each has its own code and
# sentence, and leaves nothing half done.
use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use Time::HiRes qw(sleep time);
use lib dirname(abs_path($0)) . '/../lib';
use SignVN::Site;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);
my $site = SignVN::Site->new;
my $client = $site->client;
my $root = $site->{root};
my $plain = 'decision-table.pdf';
my $document = $site->sample($plain);

sub jobs_left { my @left = grep { !m{/\.} } glob "$root/state/jobs/*"; return scalar @left }
sub spew { my ($path, $text) = @_; open my $out, '>', $path or die "$path: $!"; print $out $text; close $out }

# A refusal at the door: code, status, both sentences, and no job left.
sub refused {
    my ($who, $spec, $bytes, $code, $status, $name, %more) = @_;
    my $before = jobs_left();
    my ($problem, $answer) = $client->post_job($who, $spec, $bytes, %more);
    is($problem->{code}, $code, "$name: $code") or diag(substr $answer->{content}, 0, 400);
    is($answer->{status}, $status, "$name: $status");
    ok(($problem->{vi} // '') =~ /\. \S/ && $problem->{en}, "$name: says in both languages what to do");
    is(jobs_left(), $before, "$name: leaves nothing behind");
}

# A job that ends badly at the desk.
sub ends {
    my ($who, $spec, $bytes, $state, $code, $name) = @_;
    my ($job, $answer) = $client->post_job($who, $spec, $bytes);
    is($answer->{status}, 201, "$name: the job is taken") or diag($answer->{content}), return;
    $job = $client->wait_job($who, $job, 40);
    is($job->{state}, $state, "$name: the job is $state");
    is($job->{items}[0]{code} // $job->{code}, $code, "$name: $code");
    return $job;
}

# ---- the file --------------------------------------------------------------------
my %files = (
    'not-a-pdf.pdf' => ['document.not-pdf', 422], 'truncated.pdf' => ['document.damaged', 422],
    'zero-pages.pdf' => ['document.no-pages', 422], 'encrypted-password.pdf' => ['document.password', 422],
    'encrypted-empty-aes256.pdf' => ['document.encrypted', 422], 'xfa.pdf' => ['document.xfa', 422],
    'javascript.pdf' => ['document.active-content', 422], 'reserved-names.pdf' => ['reserve.field-exists', 422],
    'leading-junk.pdf' => ['document.header', 422],
);
for my $file (sort keys %files) {
    refused(authority => $site->approval($plain), Client::slurp("$site->{site}{samples}/$file"), @{ $files{$file} }, $file);
}
refused(authority => $site->approval($plain), '', 'document.empty', 422, 'an empty file');

# ---- the request -----------------------------------------------------------------
refused(authority => $site->approval($plain, secrecy => 'mat'), $document, 'secrecy.refused', 403, 'a secret document');
{
    my $spec = $site->approval($plain);
    delete $spec->{secrecy};
    refused(authority => $spec, $document, 'secrecy.missing', 422, 'no word on secrecy');
}
refused(authority => $site->approval($plain, placement => { page => 1, x => 550, y => 10, width => 200, height => 50 }), $document, 'placement.outside-page', 422, 'a box beyond the page');
refused(authority => $site->approval($plain, placement => 'auto'), $document, 'placement.not-found', 422, 'placement by text');
refused(authority => $site->approval($plain, reserve => 'auto'), $document, 'placement.not-found', 422, 'reservation by text');
refused(authority => $site->approval($plain, kind => 'stamp'), $document, 'kind.unknown', 422, 'no such kind');
refused(authority => $site->approval($plain, deliver => { method => 'put', url => '/dms/x' }), $document, 'deliver.unavailable', 422, 'delivery that is not there');
refused(clerk => { %{ $site->sealing }, kind => 'appendix' }, $document, 'seal.no-basis', 409, 'B2: an appendix of nothing');
refused(clerk => { %{ $site->sealing }, kind => 'appendix', main => { n => 0 } }, $document, 'kind.unavailable', 422, 'an appendix');
refused(clerk => { %{ $site->sealing }, kind => 'copy' }, $document, 'seal.no-basis', 409, 'B2: a copy of nothing');
refused(authority => $site->sealing, $document, 'access.denied', 403, 'B5: the leader has no seal');
refused(clerk => $site->approval($plain), $document, 'access.denied', 403, 'the clerk approves nothing');
refused(it => $site->approval($plain), $document, 'access.denied', 403, 'IT signs nothing');
refused(authority => $site->approval($plain), $document, 'access.denied', 403, 'B34: for another agency', agency => 'H57.29');
refused(authority => $site->approval($plain), $document, 'credential.unknown', 404, "B13: somebody else's certificate", credential => 'AAAA');

# ---- the order -------------------------------------------------------------------
refused(clerk => $site->sealing, $document, 'order.seal-before-person', 409, 'B1: sealed before signed');
my ($approved) = $client->sign(authority => $site->approval($plain), $document);
refused(clerk2 => $site->sealing, $approved, 'order.authority-of-other-agency', 409, 'B1: a leader of another agency', agency => 'H57.29');
my ($without) = $client->sign(authority => $site->approval($plain, reserve => 'none'), $document);
refused(clerk => $site->sealing, $without, 'number.not-reserved', 409, 'signed without reserved number');
refused(authority => $site->approval($plain), $approved, 'reserve.too-late', 409, 'reserved after the first signature');
my $boxes = $site->boxes($plain);
my ($checked) = $client->sign(reviewer => { kind => 'check', secrecy => 'none', checkOf => 'content', placement => $boxes->{check}, reserve => $site->approval($plain)->{reserve} }, $document);
refused(clerk => $site->sealing, $checked, 'order.not-approved', 409, 'B2: a check is no approval');
refused(clerk => $site->sealing(date => '2020-01-01'), $approved, 'date.earlier', 409, 'a date in the past');
refused(clerk => $site->sealing(number => '12a'), $approved, 'number.invalid', 422, 'a number with a suffix');
{
    my $bad = $approved;
    substr($bad, 2000, 1) = chr(ord(substr $bad, 2000, 1) ^ 1);
    my ($problem, $answer) = $client->post_job(clerk => $site->sealing, $bad);
    is($answer->{status}, 409, 'a changed document is not sealed') or diag($answer->{content});
    like($problem->{code} // '', qr/^order\./, 'and the code says why');
}

# ---- the desk --------------------------------------------------------------------
ok($site->do(pull => 'authority'), 'the token is pulled');
sleep 3;
{
    my ($job, $answer) = $client->post_job(authority => $site->approval($plain), $document);
    is($answer->{status}, 201, 'no token: the job waits') or diag($answer->{content});
    sleep 3;
    $job = Client::decode($client->call(authority => GET => "/signvn/v1/jobs/$job->{id}"));
    ok($job->{state} =~ /^(prepared|rejected)$/, "no token: nothing is signed ($job->{state})");
    $client->call(authority => DELETE => "/signvn/v1/jobs/$job->{id}");
    $job = Client::decode($client->call(authority => GET => "/signvn/v1/jobs/$job->{id}"));
    ok($job->{state} =~ /^(cancelled|rejected)$/, 'no token: it can be cancelled');
}
ok($site->do(insert => 'authority'), 'the token is back');
sleep 3;
my ($pins) = glob "$root/tokens/tokens.json";
my $asked = sub { my $text = eval { Client::slurp("$pins.asked") } // ''; return scalar(() = $text =~ /\n/g) };
spew("$pins.pin", 'wrong');
my $before = $asked->();
ends(authority => $site->approval($plain), $document, 'rejected', 'pin.incorrect', 'a wrong password');
is($asked->() - $before, 1, 'a wrong password: asked once, never retried by itself');
unlink "$pins.pin";
my $desk = "$root/desk/authority";
spew("$desk/confirm.no", '');
ends(authority => $site->approval($plain), $document, 'rejected', 'user.declined', 'the signer says no');
unlink "$desk/confirm.no";
{
    my @specs = map { $site->approval($plain, subject => "document $_") } 1 .. 3;
    spew("$desk/confirm.decline", '{"declined":[{"n":1,"reason":"Sai căn cứ"}]}');
    my ($job, $answer) = $client->post_job(authority => \@specs, [ ($document) x 3 ]);
    $job = $client->wait_job(authority => $job);
    is($job->{state}, 'partial', 'one of three declined: the others are signed');
    is(join(' ', map { $_->{state} } @{ $job->{items} }), 'done declined done', 'one of three declined: per item');
    is($job->{items}[1]{reason}, 'Sai căn cứ', 'one of three declined: with the reason');
    unlink "$desk/confirm.decline";
}

# ---- certificates and services ---------------------------------------------------
my $pki = $Client::json->decode(Client::slurp("$root/pki/pki.json"));
ok($site->do(pki => hold => $pki->{certificates}{authority}{serial}), 'the certificate is put on hold');
refused(authority => $site->approval($plain), $document, 'certificate.on-hold', 409, 'on hold: the desk is not disturbed');
ok($site->do(pki => unhold => $pki->{certificates}{authority}{serial}), 'and released');
($approved) = eval { $client->sign(authority => $site->approval($plain), $document) };
ok($approved, 'released: signs again') or diag($@);
ok($site->do(fault => ocsp => 'on') && $site->do(fault => crl => 'on'), 'OCSP and CRL are down');
refused(authority => $site->approval($plain), $document, 'certificate.status-unknown', 503, 'status unknown is never good');
ok($site->do(fault => ocsp => 'off') && $site->do(fault => crl => 'off'), 'and up');
ok($site->do(fault => tsa => 'on'), 'the time-stamp server is down');
{
    my ($job) = $client->post_job(authority => $site->approval($plain), $document);
    my $deadline = time + 20;
    while (($job->{items}[0]{state} // '') ne 'awaiting-timestamp' && time < $deadline) { sleep 0.2; $job = Client::decode($client->call(authority => GET => "/signvn/v1/jobs/$job->{id}")) }
    is($job->{items}[0]{state}, 'awaiting-timestamp', 'TSA down: the signature is kept, not asked for again');
    is($job->{items}[0]{code}, 'timestamp.unavailable', 'TSA down: timestamp.unavailable');
    my $asked_before = $asked->();
    $site->do(fault => tsa => 'off');
    $job = $client->wait_job(authority => $job, 30);
    is($job->{state}, 'done', 'TSA up: finished by itself');
    is($asked->(), $asked_before, 'TSA up: no second password');
}
{
    # The certificate is revoked while the signature waits for its time-stamp.
    my $spec = { kind => 'check', secrecy => 'none', placement => $boxes->{check}, reserve => 'none' };
    $site->do(fault => tsa => 'on');
    my ($job) = $client->post_job(reviewer => $spec, $document);
    my $deadline = time + 20;
    while (($job->{items}[0]{state} // '') ne 'awaiting-timestamp' && time < $deadline) { sleep 0.2; $job = Client::decode($client->call(reviewer => GET => "/signvn/v1/jobs/$job->{id}")) }
    ok($site->do(pki => revoke => $pki->{certificates}{reviewer}{serial}), "the reviewer's certificate is revoked");
    $site->do(fault => tsa => 'off');
    $job = $client->wait_job(reviewer => $job, 30);
    is($job->{state}, 'failed', 'revoked before the time-stamp: not released');
    is($job->{items}[0]{code}, 'signature.final-check', 'revoked before the time-stamp: signature.final-check');
    for (1 .. 50) { last if !-e "$root/state/jobs/$job->{id}"; sleep 0.1 }
    ok(!-e "$root/state/jobs/$job->{id}", 'revoked before the time-stamp: nothing of it is kept');
}
refused(reviewer => { kind => 'check', secrecy => 'none', placement => $boxes->{check}, reserve => 'none' }, $document, 'certificate.revoked', 409, 'revoked');
{
    my $answer = $client->call(authority => POST => '/signvn/v1/incidents', content => $Client::json->encode({ certificate => $pki->{certificates}{authority}{sha256}, class => 'lost' }), headers => { 'Content-Type' => 'application/json' });
    is($answer->{status}, 201, 'a loss is reported') or diag($answer->{content});
    refused(authority => $site->approval($plain), $document, 'certificate.incident', 403, 'H03: signing stops at once');
}

# ---- other people's business ------------------------------------------------------
{
    my ($job) = $client->post_job(clerk => $site->sealing, $approved);
    my $answer = $client->call(clerk2 => GET => "/signvn/v1/jobs/$job->{id}");
    is($answer->{status}, 404, "B34: another person's job does not exist");
    $client->wait_job(clerk => $job);
    $answer = $client->call(undef, GET => "/signvn/v1/jobs/$job->{id}");
    is($answer->{status}, 401, 'nobody gets nothing');
}
done_testing;
