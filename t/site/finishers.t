#!/usr/bin/perl
# A time-stamp server that hangs holds up only what waits for it.
use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;
use Time::HiRes qw(sleep time);
use lib dirname(abs_path($0)) . '/../lib';
use SignVN::Site;
use SignVN::Desk;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);
my $site = SignVN::Site->new('--no-agents');
my $client = $site->client;
my $root = $site->{root};
my $plain = 'decision-table.pdf';
my $check = { kind => 'check', secrecy => 'none', placement => $site->boxes($plain)->{check}, reserve => 'none' };
my ($agency, $other) = @{ $site->{site}{agencies} };
sub get_job { my ($who, $id) = @_; return Client::decode($client->call($who, GET => "/signvn/v1/jobs/$id")) }
sub state_of { my ($who, $job) = @_; return get_job($who, $job->{id})->{items}[0]{state} }
my %desk = map { my $desk = SignVN::Desk->new($site, $_)->enrol; $desk->list($_); ($_ => $desk) } qw(reviewer authority2);
sub returned {
    my ($who, $from) = @_;
    my ($job, $answer) = $client->post_job($who, $check, $site->sample($plain), agency => $from);
    die "HTTP $answer->{status} $answer->{content}\n" if $answer->{status} != 201;
    $desk{$who}->claim($job->{id});
    $desk{$who}->result([ $desk{$who}->values_of($who) ]);
    return $job;
}
# Until every job's document has this state; seconds it took, or undef.
sub all_are {
    my ($who, $want, $seconds, @jobs) = @_;
    my $began = time;
    while (time - $began < $seconds) {
        return time - $began if !grep { state_of($who, $_) ne $want } @jobs;
        sleep 0.2;
    }
    return undef;
}

# The other agency's persons sign without a time-stamp.
my $config = Client::slurp($site->{site}{config});
$config =~ s{(<SignVNAgency "\Q$other\E">\n)}{$1    SignVNSignatureLevel B-B\n} or die 'no section';
open my $out, '>:raw', $site->{site}{config} or die;
print $out $config;
close $out;
kill 'USR1', $site->{site}{pid};
my $without;
for (1 .. 30) {
    sleep 0.3;
    $without = eval { returned(authority2 => $other) } or next;
    $without = $client->wait_job(authority2 => $without, 20);
    last if $client->validate($client->document(authority2 => $without))->{signatures}[0]{level} eq 'B-B';
}
is($without->{state}, 'done', 'a job without a time-stamp is done');
is($client->validate($client->document(authority2 => $without))->{signatures}[0]{level}, 'B-B', 'and has none');

open $out, '>', "$root/pki/faults/tsa.slow" or die;
print $out 25;
close $out;
my @waiting = map { returned(reviewer => $agency) } 1 .. 3;
my $free = returned(authority2 => $other);
my $took = all_are(authority2 => 'done', 8, $free);
ok(defined $took, 'with a server that hangs, what needs no time-stamp is done meanwhile') and note(sprintf '%.1f s', $took);
isnt(state_of(reviewer => $waiting[0]), 'done', 'while the others wait');
# each gives the server ten seconds
$took = all_are(reviewer => 'awaiting-timestamp', 18, @waiting);
ok(defined $took, 'three that wait for it end their tries beside each other') and note(sprintf '%.1f s', $took);
my $late = returned(authority2 => $other);
ok(defined all_are(authority2 => 'done', 8, $late), 'nor does the next wait behind them');
is(get_job(reviewer => $waiting[0]{id})->{items}[0]{code}, 'timestamp.unavailable', 'the page says why');
unlink "$root/pki/faults/tsa.slow";
ok(defined all_are(reviewer => 'done', 40, @waiting), 'and all are done when it answers again');

# ---- what is done is kept for a time ---------------------------------------------------
my $result = "/signvn/v1/jobs/$free->{id}/documents/0";
is($client->call(authority2 => GET => $result)->{status}, 200, 'a result can be fetched');
ok($site->do('clock', '+89d'), '89 days later');
sleep 2;
is($client->call(authority2 => GET => $result)->{status}, 200, 'too');
ok($site->do('clock', '+91d'), 'after 90 days');
my $gone;
for (1 .. 140) { $gone = $client->call(authority2 => GET => $result); last if $gone->{status} != 200; sleep 0.5 }
is("$gone->{status} " . Client::decode($gone)->{code}, '410 job.document-gone', 'it is gone');
like(Client::decode($gone)->{vi}, qr/kho lưu trữ/, 'and the page says where originals are');
ok(!-e "$root/state/jobs/$free->{id}", 'with its files');
my $row = get_job(authority2 => $free->{id});
is("$row->{state} $row->{items}[0]{gone}", 'done 1', 'the job is still known');
like($client->call(it => GET => '/signvn/v1/audit?limit=100')->{content}, qr/item\.file-gone/, 'and the audit has it');
done_testing();
