#!/usr/bin/perl
# The archive and the backup as people reach them: put, find, read, refuse other
# agencies, back up by hand and by the timer, restore by the command.
use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use Test::More;
use Time::HiRes qw(sleep time);
use lib dirname(abs_path($0)) . '/../lib';
use SignVN::Site;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);
my $site = SignVN::Site->new('--no-agents');
my $client = $site->client;
my ($root, $agency) = ($site->{root}, $site->{site}{agency});
sub decode { return Client::decode($_[0]) }
sub get { my ($who, $path) = @_; my $answer = $client->call($who, GET => "/signvn/v1/$path"); return (decode($answer), $answer->{status}) }
sub post { my ($who, $path, $body) = @_; my $answer = $client->call($who, POST => "/signvn/v1/$path", content => $Client::json->encode($body // {}), headers => { 'Content-Type' => 'application/json' }); return (decode($answer), $answer->{status}) }
sub command { my $out = `'$root/bin/signvn' --config '$root/conf/signvn.conf' @_ 2>'$root/log/command.err'`; return ($? >> 8, $out) }

sub upload {
    my ($who, $metadata, $bytes, %headers) = @_;
    my %part = Client::multipart($metadata, $bytes);
    $part{content} =~ s/name="job"/name="metadata"/;
    return $client->call($who, POST => '/signvn/v1/archive', content => $part{content}, headers => { %{ $part{headers} }, %headers });
}

# ---- put and found --------------------------------------------------------------------
my $bytes = $site->sample('decision-table.pdf');
my %metadata = (agency => $agency, type => 'QĐ', number => '145', symbol => 'QĐ-UBND', date => '2026-03-05', subject => 'Về việc giao đất cho hộ gia đình', signers => ['Nguyễn Văn Đường'], secrecy => 'none');
my $answer = upload(archivist => \%metadata, $bytes, 'Idempotency-Key' => 'first');
is($answer->{status}, 201, 'a document is archived') or diag $answer->{content};
my $put = decode($answer);
my $id = $put->{id};
like($id, qr/^urn:vn:\Q$agency\E:\d{4}:\d{8}$/, 'under an identifier of ours');
is($put->{sha256}, sha256_hex($bytes), 'its digest is told');
like($answer->{headers}{location}, qr/\Q$id\E$/, 'and its address');
is(decode(upload(archivist => \%metadata, $bytes, 'Idempotency-Key' => 'first'))->{id}, $id, 'the same request again gives the same record');
is(decode(upload(archivist => \%metadata, $bytes . "\n", 'Idempotency-Key' => 'first'))->{code}, 'idempotency.mismatch', 'another body under that key is refused');
is(decode(upload(archivist => { %metadata, secrecy => 'mat' }, $bytes))->{code}, 'secrecy.refused', 'a secret one is refused at the door');
is(decode(upload(archivist => { %metadata, number => [] }, $bytes))->{code}, 'request.field', 'a member of another type is named');
is(upload(reviewer => \%metadata, $bytes)->{status}, 403, 'a reviewer archives nothing');
for my $case (['number=*45', 'the end of the number'], ['code=145/q%C4%91-ubnd', 'the whole code'], ['q=giao%20dat', 'words without marks'], ['q=giao%20%C4%91%E1%BA%A5t', 'words with marks'], ['signer=nguyen%20van%20duong', 'the signer'], ['from=2026-03-01&to=2026-03-31', 'the month']) {
    my ($found) = get(archivist => "archive?$case->[0]");
    is($found->{items}[0]{id}, $id, "found by $case->[1]");
    ok(@{ $found->{items}[0]{why} || [] }, '  with the reason');
}
is((get(archivist => 'archive?q=d*'))[0]{code}, 'search.too-broad', 'a beginning of one letter is too broad');
is((get(archivist => 'archive?from=yesterday'))[0]{code}, 'search.syntax', 'a date that is none');

# ---- read -------------------------------------------------------------------------------
$answer = $client->call(clerk => GET => "/signvn/v1/archive/$id/original");
ok($answer->{content} eq $bytes, 'the original: the same bytes');
is($answer->{headers}{etag}, '"' . sha256_hex($bytes) . '"', 'strong ETag is the sha256');
$answer = $client->call(clerk => GET => "/signvn/v1/archive/$id/original", headers => { Range => 'bytes=10-19' });
is("$answer->{status} " . length $answer->{content}, '206 10', 'a range of it');
ok($client->call(clerk => GET => "/signvn/v1/archive/$id/versions/1")->{content} eq $bytes, 'version 1 is it');
is((get(clerk => "archive/$id/versions/2"))[0]{code}, 'archive.unknown', 'version 2 is not there');
my ($record) = get(archivist => "archive/$id");
is($record->{subject}, $metadata{subject}, 'the record keeps the metadata');
is(ref $record->{copies}, 'ARRAY', 'and tells of the copies');
my ($evidence) = get(archivist => "archive/$id/evidence");
ok($evidence->{report}{indication}, 'the report of the day is kept');
my ($fixity) = post(archivist => "archive/$id/fixity");
ok($fixity->{ok}, 'fixity: every byte as it was');
for my $path ("archive/$id", "archive/$id/original", "archive/$id/evidence") {
    my ($other, $status) = get(clerk2 => $path);
    is("$status $other->{code}", '404 archive.unknown', "B34: $path does not exist for another agency");
}
is(scalar @{ (get(clerk2 => 'archive?number=145'))[0]{items} || [] }, 0, 'B34: nor is it found there');
is((get(archivist => 'archive/urn:vn:X:2026:1'))[0]{code}, 'archive.id', 'B29: a malformed identifier');

# ---- backup -------------------------------------------------------------------------------
is((post(clerk => 'backups'))[1], 403, 'a clerk runs no backup');
my ($run, $status) = post(it => 'backups?wait=30');
is($status, 202, 'a backup by hand');
($run) = get(it => "backups/$run->{run}?wait=5") for 1 .. 12;
is($run->{state}, 'done', 'reaches both targets') or diag $Client::json->encode($run);
is(scalar @{ $run->{targets} }, 2, 'two of them');
ok($run->{targets}[$_]{objects} >= 1, "the document is on $run->{targets}[$_]{target}") for 0, 1;
my ($verified) = post(it => "backups/$run->{run}/verify", { level => 3 });
ok($verified->{ok}, 'every copy is unpacked and valid') or diag $Client::json->encode($verified);
is((get(it => 'backups/r-none'))[0]{code}, 'backup.unknown', 'a run that never was');
is((post(it => 'backups', { target => 'nowhere' }))[0]{code}, 'backup.unknown', 'a target that is not there');
($record) = get(archivist => "archive/$id");
is(scalar grep({ $_->{copied} } @{ $record->{copies} }), 2, 'the record knows of two copies');
my ($health) = get(undef, 'health');
is($health->{backup}{alarms}, 0, 'health: no alarm');

# ---- the command ------------------------------------------------------------------------------
my ($exit, $out) = command('backup', 'list', '--json');
is($exit, 0, 'command: backup list');
is(scalar @{ $Client::json->decode($out)->{targets} }, 2, 'command: two targets');
($exit, $out) = command('archive', 'list', '--number', '145');
like($out, qr/\Q$id\E/, 'command: the document is listed');
($exit) = command('archive', 'get', "'$id'", '--output', "$root/log/original.pdf");
ok(Client::slurp("$root/log/original.pdf") eq $bytes, 'command: its original is written out');
($exit, $out) = command('archive', 'check');
is($exit, 0, 'command: the archive is valid') or diag $out;
($exit, $out) = command('audit', 'verify');
is($exit, 0, 'command: the audit chain holds') or diag $out;
($exit, $out) = command('backup', 'restore', $run->{targets}[0]{target}, "$root/restored");
is($exit, 0, 'command: a restore into an empty directory') or diag $out . Client::slurp("$root/log/command.err");
my ($restored) = grep { Client::slurp($_) eq $bytes } glob "$root/restored/archive/root/*/*/*/v1/content/original.pdf";
ok($restored, 'command: the original is there, byte for byte');
($exit) = command('backup', 'restore', $run->{targets}[0]{target}, "$root/restored");
is($exit, 2, 'command: a second restore into it is refused');
my ($log) = get(inspector => 'audit?action=archive.');
ok((grep { $_->{action} eq 'archive.read' && $_->{object} eq $id } @{ $log->{items} || [] }), 'the log tells who read it') or diag $Client::json->encode($log);
done_testing;
