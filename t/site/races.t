#!/usr/bin/perl
# The desk's steps in every wrong order, and several at once.
use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use POSIX qw(strftime);
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
my $document = $site->sample($plain);
my $pki = $Client::json->decode(Client::slurp("$root/pki/pki.json"));
my $check = { kind => 'check', secrecy => 'none', placement => $site->boxes($plain)->{check}, reserve => 'none' };
my %certificate = (clerk => 'seal-a', authority => 'authority', reviewer => 'reviewer');
my %desk = map { my $desk = SignVN::Desk->new($site, $_)->enrol; $desk->list($certificate{$_}); ($_ => $desk) } keys %certificate;

sub get_job { my ($who, $id) = @_; return Client::decode($client->call($who, GET => "/signvn/v1/jobs/$id")) }
sub api { my ($who, $method, $path, $body) = @_; return $client->call($who, $method, "/signvn$path", defined $body ? (content => $Client::json->encode($body), headers => { 'Content-Type' => 'application/json' }) : ()) }
sub keepers { return join ' ', map { m{/proc/(\d+)/} } grep { (readlink($_) // '') =~ m{^\Q$root\E/bin/signvnd} } glob '/proc/[0-9]*/exe' }
sub claimed {
    my ($who, $spec, $bytes) = @_;
    my ($job, $answer) = $client->post_job($who, $spec, $bytes);
    die "HTTP $answer->{status} $answer->{content}\n" if $answer->{status} != 201;
    my ($claim, $http) = $desk{$who}->claim($job->{id});
    die "claim: $http->{content}\n" if $http->{status} != 200;
    return $job;
}
sub values_for { my ($who) = @_; return [ $desk{$who}->values_of($certificate{$who}) ] }
# Everything at once, each in a process of its own; what they return, in order.
sub at_once {
    my @readers = map {
        my $sub = $_;
        pipe my $in, my $out or die;
        my $pid = fork // die;
        if (!$pid) { my $own = Client->new($site->{site}); $client = $own; mkdir "$root/tmp-$$"; srand; @$_{qw(client dir)} = ($own, "$root/tmp-$$") for values %desk; print $out $Client::json->encode([ eval { $sub->() } ]); close $out; POSIX::_exit(0) }
        close $out;
        [ $in, $pid ];
    } @_;
    return map { my $in = $_->[0]; local $/; my $text = <$in>; waitpid $_->[1], 0; $Client::json->decode($text) } @readers;
}

# ---- a desk of one's own without the token ---------------------------------------------
{
    my $keeper = keepers();
    my $bare = SignVN::Desk->new($site, 'reviewer')->enrol;
    my ($job) = $client->post_job(reviewer => $check, $document);
    my ($claim, $http) = $bare->claim($job->{id});
    is("$http->{status} $claim->{code}", '409 token.absent', 'a desk that does not list the certificate cannot claim');
    is(get_job(reviewer => $job->{id})->{state}, 'prepared', 'nor hold the job up');
    $bare->{request} = { documentDigests => [] };
    my ($answer) = $bare->result([ { n => 0, signature => 'AAAA' } ]);
    is($answer->{code}, 'agent.lease-lost', 'nor bring a value');
    $bare->post('credentials', { credentials => [ { credentialID => $job->{credential}, cert => { certificates => [] }, key => { algo => ['1.2.3'], len => 2048 }, token => { label => 'x', serial => '1', protectedPath => JSON::PP::false } } ] });
    ($claim) = $bare->claim($job->{id});
    is($claim->{code}, 'token.mechanism', 'nor one whose token has no algorithm of ours');
    is(get_job(reviewer => $job->{id})->{state}, 'prepared', 'the job is still offered');
    is(keepers(), $keeper, 'and the keeper lives');
    ($claim, $http) = $desk{reviewer}->claim($job->{id});
    is($http->{status}, 200, 'the right desk has it') or diag($http->{content});
    my $values = values_for('reviewer');
    # ---- the desk's own record
    for my $case ([ 'of another job', jobID => 'x' x 22 ], [ 'without the document', items => [] ], [ 'of another value', items => [ { n => 0, hashDtbs => $desk{reviewer}{request}{documentDigests}[0]{hashDtbs}, signatureSha256 => '0' x 64 } ] ],
        [ 'of other bytes', items => [ { n => 0, hashDtbs => '0' x 64, signatureSha256 => Digest::SHA::sha256_hex(MIME::Base64::decode_base64($values->[0]{signature})) } ] ]) {
        my ($name, %changed) = @$case;
        my ($answer, $http) = $desk{reviewer}->result($values, evidence => \%changed);
        is("$http->{status} $answer->{code}", '401 agent.proof', "a record $name is none");
    }
    ($answer) = $desk{reviewer}->result($values);
    is($answer->{items}[0]{status}, 'signed', 'with its own record the value is taken');
    is($client->wait_job(reviewer => $job, 30)->{state}, 'done', 'and the job done');
}

# ---- stopped while it waits for a time-stamp ---------------------------------------------
my ($approved) = do {
    claimed(authority => $site->approval($plain), $document);
    my $job = { id => $desk{authority}{job} };
    $desk{authority}->result(values_for('authority'));
    $client->document(authority => $client->wait_job(authority => $job, 30));
};
{
    my $job = claimed(clerk => $site->sealing, $approved);
    $site->do(fault => tsa => 'on');
    $desk{clerk}->result(values_for('clerk'));
    for (1 .. 100) { last if get_job(clerk => $job->{id})->{items}[0]{state} eq 'awaiting-timestamp'; sleep 0.1 }
    is(get_job(clerk => $job->{id})->{items}[0]{state}, 'awaiting-timestamp', 'the seal waits for its time-stamp');
    my $sha256 = $pki->{certificates}{'seal-a'}{sha256};
    is(api(clerk => POST => '/v1/incidents', { certificate => $sha256, class => 'stolen' })->{status}, 201, 'its token is reported stolen');
    $site->do(fault => tsa => 'off');
    $job = $client->wait_job(clerk => $job, 30);
    is("$job->{state} $job->{items}[0]{code}", 'failed certificate.incident', 'what is stopped is not stamped any more') or diag($Client::json->encode($job));
    ok(!$job->{items}[0]{archived} && !-e "$root/state/jobs/$job->{id}", 'nothing of it is kept');
    api(authority => POST => '/v1/incidents/lift', { certificate => $sha256 });
}

# ---- no worker when the value comes --------------------------------------------------------
{
    my $job = claimed(reviewer => $check, $document);
    my $values = values_for('reviewer');
    $site->do(fault => worker => 'on');
    my ($answer, $http) = $desk{reviewer}->result($values);
    is("$http->{status} " . ($answer->{items}[0]{status} // $answer->{code}), '200 signed', 'A15: a value is not thrown away because we cannot look');
    sleep 3;
    isnt(get_job(reviewer => $job->{id})->{items}[0]{state}, 'error', 'nor later');
    $site->do(fault => worker => 'off');
    is($client->wait_job(reviewer => $job, 60)->{state}, 'done', 'it is finished when we can');
}

# ---- several at once -----------------------------------------------------------------------
{
    my (%seen, $mixed);
    for my $round (1 .. 8) {
        my $job = claimed(reviewer => $check, $document);
        my $values = values_for('reviewer');
        my ($result, $cancel) = at_once(
            sub { my ($answer) = $desk{reviewer}->result($values); return $answer->{items}[0]{status} // $answer->{code} },
            sub { sleep rand 0.02; return $client->call(reviewer => DELETE => "/signvn/v1/jobs/$job->{id}")->{status} });
        $job = $client->wait_job(reviewer => $job, 30);
        my $kept = -e "$root/state/jobs/$job->{id}" ? 1 : 0;
        my $outcome = "$job->{state} $cancel->[0] $kept";
        $seen{$outcome}++;
        $mixed = "$outcome $result->[0]" if $outcome ne 'done 409 1' && $outcome ne 'cancelled 200 0';
    }
    is($mixed, undef, 'result and cancel at once: one or the other, eight times: ' . join(', ', map { "$_ x $seen{$_}" } sort keys %seen));
}
{
    my ($job) = $client->post_job(reviewer => $check, $document);
    my $second = SignVN::Desk->new($site, 'reviewer')->enrol;
    $second->list('reviewer');
    $desk{second} = $second;
    my @claims = at_once(map { my $name = $_; sub { my ($answer, $http) = $desk{$name}->claim($job->{id}); return $http->{status} } } qw(reviewer second));
    is(join(' ', sort map { $_->[0] } @claims), '200 409', 'two desks claim at once: one has it');
    api(reviewer => DELETE => "/v1/jobs/$job->{id}");
}
{
    my $job = claimed(reviewer => $check, $document);
    my $values = values_for('reviewer');
    my @answers = at_once(map { sub { my ($answer, $http) = $desk{reviewer}->result($values); return ($http->{status}, $answer->{items}[0]{status}) } } 1 .. 4);
    ok(!(grep { $_->[0] != 200 || $_->[1] !~ /^(?:signed|done)$/ } @answers), 'A15: the same result four times at once is taken once and answered four times') or diag($Client::json->encode(\@answers));
    is($client->wait_job(reviewer => $job, 30)->{state}, 'done', 'and done');
}

# ---- a claim or a result behind the end ------------------------------------------------------
{
    my $job = claimed(reviewer => $check, $document);
    my $values = values_for('reviewer');
    my $lease = $desk{reviewer}{lease};
    api(reviewer => DELETE => "/v1/jobs/$job->{id}");
    my ($claim) = $desk{reviewer}->claim($job->{id}, $lease);
    my $request = $desk{reviewer}{request};
    is($request ? scalar @{ $request->{documentDigests} } : 0, 0, 'the same claim after the cancel asks for nothing');
    is(get_job(reviewer => $job->{id})->{state}, 'cancelled', 'and revives nothing');
    is(($desk{reviewer}->claim($job->{id}))[0]{code}, 'agent.lease-lost', 'nor does a new one');
}
done_testing();
