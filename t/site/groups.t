#!/usr/bin/perl
# Groups are all or nothing, also when a member fails after the desk's work is
# done, and whenever the keeper is killed on the way.  SIGNVN_ALL_POINTS=1 kills
# at every step instead of some.
use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep time);
use lib dirname(abs_path($0)) . '/../lib';
use SignVN::Site;
use SignVN::Desk;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);
my $top = abs_path(dirname(abs_path($0)) . '/../..');
my $site = SignVN::Site->new('--no-agents');
my $client = $site->client;
my $root = $site->{root};
my $plain = 'decision-table.pdf';
my $boxes = $site->boxes($plain);
my $kill_at = "$root/state/run/kill-at";
my %certificate = (clerk => 'seal-a', authority => 'authority', reviewer => 'reviewer');
my %desk = map { my $desk = SignVN::Desk->new($site, $_)->enrol; $desk->list($certificate{$_}); ($_ => $desk) } keys %certificate;

sub decode { return Client::decode($_[0]) }
sub get_job { my ($who, $id) = @_; return decode($client->call($who, GET => "/signvn/v1/jobs/$id")) }
sub states { return join ' ', map { $_->{state} } @{ $_[0]{items} } }
sub codes { return join ' ', map { $_->{code} // '-' } @{ $_[0]{items} } }
sub numbers { return @{ decode($client->call(clerk => GET => '/signvn/v1/registers/H57.28/' . strftime('%Y', localtime) . '/Q%C4%90'))->{items} || [] } }
sub of_numbers { my ($job) = @_; my %mine = map { ($_->{number} // '') => 1 } @{ $job->{items} }; return join ' ', map { $_->{state} } grep { $mine{ $_->{number} } } numbers() }
sub archived { return decode($client->call(archivist => GET => '/signvn/v1/archive?limit=200'))->{total} // 0 }
sub left { my ($id) = @_; my @left = map { m{([^/]+)\z} } glob "$root/state/jobs/$id/*"; return join ' ', sort @left }
# A job brought to the desk's values, which are given back unsent.
sub on_the_desk {
    my ($who, $specs, $files) = @_;
    my ($job, $answer) = $client->post_job($who, $specs, $files);
    die "HTTP $answer->{status} $answer->{content}\n" if $answer->{status} != 201;
    my ($claim, $http) = $desk{$who}->claim($job->{id});
    die "claim: $http->{content}\n" if $http->{status} != 200;
    $desk{$who}->progress('signing');
    return ($job, [ $desk{$who}->values_of($certificate{$who}) ]);
}
sub bring { my ($who, $values) = @_; return ($desk{$who}->result($values))[0] }
# One byte of what was prepared is another: only the last check can see it.
sub spoil {
    my ($job, $n) = @_;
    my $path = "$root/state/jobs/$job->{id}/$n.update";
    my $bytes = Client::slurp($path);
    my $at = index $bytes, '/Type';
    open my $out, '+<:raw', $path or die "$path: $!";
    seek $out, $at + 1, 0;
    print $out 't';
    close $out;
}
sub nothing_left {
    my ($who, $job, $name) = @_;
    ok(!-e "$root/state/jobs/$job->{id}", "$name: no file of it is left") or diag(left($job->{id}));
    for my $item (@{ $job->{items} }) {
        is($client->call($who, GET => "/signvn/v1/jobs/$job->{id}/documents/$item->{n}")->{status}, 409, "$name: document $item->{n} does not come out");
        ok(!$item->{archived}, "$name: document $item->{n} is not archived");
    }
}

# ---- what is to be sealed -------------------------------------------------------------
my $points = $ENV{SIGNVN_ALL_POINTS} ? 80 : 6;
my $wanted = 12 + 2 * 3 * ($points + 1);
my @approved;
while (@approved < $wanted) {
    my $n = $wanted - @approved > 50 ? 50 : $wanted - @approved;
    my ($job, $values) = on_the_desk(authority => [ map { $site->approval($plain, subject => "Văn bản $_", part => $_) } 0 .. $n - 1 ], [ ($site->sample($plain)) x $n ]);
    bring(authority => $values);
    $job = $client->wait_job(authority => $job, 120);
    is($job->{state}, 'done', "$n documents are approved in one job");
    push @approved, map { $client->document(authority => $job, $_) } 0 .. $n - 1;
}
sub pair { my ($n, %more) = @_; %more = (group => 'g') if !%more; return [ map { $site->sealing(%more, subject => "Bộ $_", part => $_) } 0 .. $_[0] - 1 ], [ splice @approved, 0, $_[0] ] }

# ---- good: together -------------------------------------------------------------------
{
    my ($job, $values) = on_the_desk(clerk => pair(2));
    bring(clerk => $values);
    $job = $client->wait_job(clerk => $job, 30);
    is(states($job), 'done done', 'a group of two is done together');
    is(of_numbers($job), 'used used', 'with both numbers');
    is(left($job->{id}), '0.pdf 1.pdf', 'nothing but the documents is kept');
    for my $n (0, 1) { is($client->validate($client->document(clerk => $job, $n))->{indication}, 'TOTAL-PASSED', "document $n passes") }
    my ($problem) = $client->post_job(reviewer => { kind => 'check', secrecy => 'none', placement => $boxes->{check}, reserve => 'none', group => '' }, $site->sample($plain));
    is($problem->{code}, 'request.field', 'a group has a name');
}

# ---- the last check fails for one ------------------------------------------------------
for my $bad (0, 1) {
    my $before = archived();
    my ($job, $values) = on_the_desk(clerk => pair(2));
    spoil($job, $bad);
    my $answer = bring(clerk => $values);
    is(join(' ', map { $_->{status} } @{ $answer->{items} }), 'signed signed', "document $bad spoilt: the values are taken");
    $job = $client->wait_job(clerk => $job, 30);
    is($job->{state}, 'failed', "document $bad spoilt: the job has failed");
    is($job->{items}[$bad]{code}, 'signature.final-check', "document $bad spoilt: it did not pass the last check") or diag($Client::json->encode($job));
    my $other = $job->{items}[ 1 - $bad ];
    is("$other->{state} $other->{code}", 'skipped job.group', "document $bad spoilt: the other ends with it");
    is("$other->{cause}{n} $other->{cause}{code}", "$bad signature.final-check", "document $bad spoilt: and says because of which and why");
    like($other->{cause}{vi}, qr/kiểm tra cuối/, "document $bad spoilt: in words");
    is(of_numbers($job), 'void void', "document $bad spoilt: both numbers are void");
    is(archived(), $before, "document $bad spoilt: nothing is archived");
    nothing_left(clerk => $job, "document $bad spoilt");
}

# ---- the time-stamp, embedding, independence -------------------------------------------
{
    my ($job, $values) = on_the_desk(clerk => pair(2));
    $site->do(fault => tsa => 'stranger');
    bring(clerk => $values);
    $job = $client->wait_job(clerk => $job, 30);
    $site->do(fault => tsa => 'off');
    is(codes($job), 'timestamp.refused job.group', 'a token of a stranger ends the group') or diag($Client::json->encode($job));
    nothing_left(clerk => $job, 'a token of a stranger');
}
{
    my ($job, $values) = on_the_desk(clerk => pair(2));
    truncate "$root/state/jobs/$job->{id}/1.update", 10 or die;
    bring(clerk => $values);
    $job = $client->wait_job(clerk => $job, 30);
    is(codes($job), 'job.group file.short', 'a member that cannot be embedded ends the group');
    nothing_left(clerk => $job, 'cannot be embedded');
}
{
    my ($job, $values) = on_the_desk(clerk => pair(2));
    $site->do(fault => tsa => 'off');
    system 'touch', "$root/pki/faults/tsa.off";
    bring(clerk => $values);
    for (1 .. 100) { last if states(get_job(clerk => $job->{id})) =~ /awaiting/; sleep 0.1 }
    my $waiting = get_job(clerk => $job->{id});
    like(states($waiting), qr/^(?:awaiting-timestamp signed|signed awaiting-timestamp)$/, 'without a time-stamp server the group waits as a whole');
    $site->do(fault => tsa => 'off');
    $job = $client->wait_job(clerk => $job, 30);
    is(states($job), 'done done', 'and is done when it is back');
}
{
    my @specs = map { { kind => 'check', secrecy => 'none', placement => $boxes->{check}, reserve => 'none', part => $_, group => ('a', 'a', 'b', 'b', undef)[$_] } } 0 .. 4;
    delete $specs[4]{group};
    my ($job, $values) = on_the_desk(reviewer => \@specs, [ ($site->sample($plain)) x 5 ]);
    spoil($job, 1);
    bring(reviewer => $values);
    $job = $client->wait_job(reviewer => $job, 30);
    is(states($job), 'skipped error done done done', 'groups are independent of each other') or diag($Client::json->encode($job));
    is($job->{state}, 'partial', 'and the job is done in part');
    is(left($job->{id}), '2.pdf 3.pdf 4.pdf', 'only what is done is kept');
    ($job, $values) = on_the_desk(reviewer => \@specs, [ ($site->sample($plain)) x 5 ]);
    $values->[2] = { n => 2, error => 'user.declined', reason => 'sai tên' };
    my $answer = bring(reviewer => $values);
    is(join(' ', map { $_->{status} } @{ $answer->{items} }), 'signed signed declined skipped signed', 'a member declined: the desk is told what ends with it');
    $job = $client->wait_job(reviewer => $job, 30);
    is(codes($job), '- - user.declined job.group -', 'and the page why');
    is($job->{items}[3]{cause}{code}, 'user.declined', 'by the code of the member');
}

# ---- killed between any two steps ------------------------------------------------------
my $lib = "$root/bin/killat.so";
system('cc', '-shared', '-fPIC', '-o', $lib, "$top/t/fake/killat.c", '-ldl') == 0 or die 'cc';
rename "$root/bin/signvnd", "$root/bin/signvnd-real" or die;
open my $out, '>', "$root/bin/signvnd" or die;
print $out "#!/bin/sh\nLD_PRELOAD='$lib' SIGNVN_KILL_AT='$kill_at' exec '$root/bin/signvnd-real' \"\$@\"\n";
close $out;
chmod 0755, "$root/bin/signvnd", $lib;
sub keepers { return map { m{/proc/(\d+)/} } grep { (readlink($_) // '') =~ m{^\Q$root\E/bin/signvnd} } glob '/proc/[0-9]*/exe' }
sub healthy { for (1 .. 100) { return 1 if eval { $client->call(it => GET => '/signvn/v1/health')->{status} } == 200; sleep 0.1 } return 0 }
sub set_kill { my ($n) = @_; open my $file, '>', $kill_at or die; printf $file "%08d\n", $n; close $file; chown((stat "$root/state")[ 4, 5 ], $kill_at) if $> == 0 }
sub steps_left { return -e $kill_at ? 0 + Client::slurp($kill_at) : -1 }
kill 'KILL', keepers();
sleep 0.5;
ok(healthy(), 'a keeper that can be killed at a step serves');

# How many steps there are from the result to the end, by counting.
sub one_round {
    my ($n, $spoilt, %more) = @_;
    my ($job, $values) = on_the_desk(clerk => pair(2, %more));
    spoil($job, 1) if $spoilt;
    set_kill($n);
    # the answer itself may be lost: the desk brings it again
    for (1 .. 20) { my ($answer, $http) = $desk{clerk}->result($values); last if $http->{status} == 200; sleep 0.3 }
    my $deadline = time + 120;      # httpd waits longer before each start
    while (time < $deadline) {      # no answer counts while there is no keeper
        my $now = get_job(clerk => $job->{id});
        $job = $now if $now->{items};
        last if $job->{state} =~ /^(?:done|failed|partial)$/;
        sleep 0.1;
    }
    sleep 0.3 if steps_left() > 0;      # what comes behind the last commit
    my $steps = steps_left();
    unlink $kill_at;
    return ($job, $steps);
}
sub same_outcome {
    my ($job, $spoilt, $name, $before) = @_;
    my $states = states($job);
    my $now = archived();
    if ($spoilt) {
        is("$states " . of_numbers($job) . ' ' . ($now - $before), 'skipped error void void 0', "$name: neither");
        for (1 .. 30) { last if !-e "$root/state/jobs/$job->{id}"; sleep 0.1 }
        ok(!-e "$root/state/jobs/$job->{id}", "$name: nothing is left") or diag(left($job->{id}));
    } else {
        is("$states " . of_numbers($job) . ' ' . ($now - $before), 'done done used used 2', "$name: both") or diag($Client::json->encode($job));
        my @files = map { $client->document(clerk => $job, $_) } 0, 1;
        my @kept = map { $client->call(archivist => GET => "/signvn/v1/archive/$_->{archived}/original")->{content} } @{ $job->{items} };
        is(join(' ', map { sha256_hex($_) } @files), join(' ', map { $_->{sha256} } @{ $job->{items} }), "$name: the bytes are those of the digest");
        is(join(' ', map { sha256_hex($_) } @kept), join(' ', map { $_->{sha256} } @{ $job->{items} }), "$name: and those of the archive");
    }
}
for my $case ([ 0, 'both good' ], [ 1, 'one spoilt' ], [ 0, 'without a group', deliver => { method => 'answer' } ]) {
    my ($spoilt, $what, %more) = @$case;
    my $before = archived();
    my ($job, $left) = one_round(90_000_000, $spoilt, %more);
    my $steps = 90_000_000 - $left;
    same_outcome($job, $spoilt, "$what, not killed", $before);
    cmp_ok($steps, '>', 5, "$what: there are $steps steps") or next;
    my @at = $ENV{SIGNVN_ALL_POINTS} ? (1 .. ($steps < $points ? $steps : $points)) : map { 1 + int($_ * ($steps - 1) / ($points - 2)) } 0 .. $points - 2;
    for my $at (@at) {
        $before = archived();
        ($job, $left) = one_round($at, $spoilt, %more);
        ok(healthy(), "$what, killed at step $at of $steps: the next keeper serves") or last;
        # a kill behind the last commit shows only after the next start
        same_outcome($job, $spoilt, "$what, killed at step $at of $steps", $before);
    }
}
my $check = `'$root/bin/signvn' --config '$site->{site}{config}' archive check 2>&1`;
is($?, 0, 'no object of the archive is invalid') or diag $check;
done_testing();
