#!/usr/bin/perl
# An attacker's afternoon: B-numbers of THREATS on a real site.  The desks are
# written by hand, so that every message can be held back, changed or repeated.
use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use Encode qw(encode_utf8 decode_utf8);
use File::Basename qw(dirname);
use MIME::Base64 qw(encode_base64);
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
my $document = $site->sample($plain);
my $boxes = $site->boxes($plain);
my $pki = $Client::json->decode(Client::slurp("$root/pki/pki.json"));
my $json_type = { 'Content-Type' => 'application/json' };

# ---- helpers -----------------------------------------------------------------------
sub decode { return Client::decode($_[0]) }
sub api { my ($who, $method, $path, $body) = @_; return $client->call($who, $method, "/signvn$path", defined $body ? (content => $Client::json->encode($body), headers => $json_type) : ()) }
sub jobs_left { my @left = grep { !m{/\.} } glob "$root/state/jobs/*"; return scalar @left }
sub register { return @{ decode(api('clerk', GET => '/v1/registers/H57.28/' . strftime('%Y', localtime) . '/Q%C4%90')) ->{items} || [] } }
sub fault { $site->do(fault => @_) or die "fault @_\n" }
# Everything at once, each in a process of its own; what they return, in order.
sub at_once {
    my @subs = @_;
    my @readers = map {
        my $sub = $_;
        pipe my $in, my $out or die;
        my $pid = fork // die;
        if (!$pid) { $client = Client->new($site->{site}); $client->{http}{timeout} = 60; print $out eval { $Client::json->encode([ $sub->() ]) } // $Client::json->encode([ "$@" ]); close $out; POSIX::_exit(0) }
        close $out;
        [ $in, $pid ];
    } @subs;
    return map { my $in = $_->[0]; local $/; my $text = <$in>; waitpid $_->[1], 0; $Client::json->decode($text) } @readers;
}
my %desk = map { $_->[0] => SignVN::Desk->new($site, $_->[0])->enrol } map { [$_] } qw(authority deputy reviewer clerk reception authority2 clerk2);
my %certificate = (clerk => 'seal-a', reception => 'seal-a2', clerk2 => 'seal-b');
$desk{$_}->list($certificate{$_} // $_) for keys %desk;

# A job brought to the desk's lease.
sub claimed {
    my ($who, $spec, $bytes, %more) = @_;
    my ($job, $answer) = $client->post_job($who, $spec, $bytes, %more);
    die "HTTP $answer->{status} " . ($job->{code} // '') . ' ' . ($job->{detail} // '') . "\n" if $answer->{status} != 201;
    my ($claim, $http) = $desk{$who}->claim($job->{id});
    die "claim: $http->{content}\n" if $http->{status} != 200;
    return $job;
}
sub signed {
    my ($who, $spec, $bytes, %more) = @_;
    my $job = claimed($who, $spec, $bytes, %more);
    $desk{$who}->progress('signing');
    my ($answer) = $desk{$who}->result([ $desk{$who}->values_of($certificate{$who} // $who) ]);
    $job = $client->wait_job($who, $job, 30);
    die "job $job->{state} " . $Client::json->encode([ $answer, $job->{items} ]) . "\n" if $job->{state} ne 'done';
    return ($client->document($who, $job), $job);
}
sub refused {
    my ($who, $spec, $bytes, $code, $status, $name, %more) = @_;
    my $before = jobs_left();
    my ($problem, $answer) = $client->post_job($who, $spec, $bytes, %more);
    is($problem->{code}, $code, "$name: $code") or diag(substr $answer->{content}, 0, 600);
    is($answer->{status}, $status, "$name: $status");
    is(jobs_left(), $before, "$name: nothing is stored");
    return $problem;
}
# A job that must end without anything released.
sub not_released {
    my ($who, $job, $code, $name) = @_;
    $job = $client->wait_job($who, $job, 30);
    is($job->{items}[0]{code} // $job->{code}, $code, "$name: $code") or diag($Client::json->encode($job));
    isnt($job->{state}, 'done', "$name: the job is $job->{state}");
    is($client->call($who, GET => "/signvn/v1/jobs/$job->{id}/documents/0")->{status}, 409, "$name: no document comes out");
    ok(!$job->{items}[0]{archived}, "$name: nothing is archived");
    return $job;
}
sub import_people {
    my ($records) = @_;
    open my $out, '>:raw', "$root/more.json" or die;
    print $out $Client::json->encode($records);
    close $out;
    my $said = `'$root/bin/signvn' --config '$site->{site}{config}' people import '$root/more.json' 2>&1`;
    die "import: $said" if $?;
}
sub der { return encode_base64(Client::slurp("$root/pki/certs/$_[0].der"), '') }
sub at_time { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + $_[0])) }
# An incremental update by hand: objects behind the file.
sub update {
    my ($pdf, %objects) = @_;
    my ($previous) = $pdf =~ /startxref\s+(\d+)\s+%%EOF\s*\z/ or die 'no startxref';
    my ($trailer) = $pdf =~ /.*trailer\s*(<<.*?>>)\s*startxref/s or die 'no trailer';
    my ($size, $catalog) = ($trailer =~ m{/Size (\d+)}, $trailer =~ m{/Root (\d+ 0 R)});
    my ($table, $out) = ('', "$pdf\n");
    for my $number (sort { $a <=> $b } keys %objects) {
        $table .= sprintf "%d 1\n%010d 00000 n \n", $number, length $out;
        $out .= "$number 0 obj\n$objects{$number}\nendobj\n";
        $size = $number + 1 if $number >= $size;
    }
    return $out . "xref\n${table}trailer\n<</Size $size/Root $catalog/Prev $previous>>\nstartxref\n" . length($out) . "\n%%EOF\n";
}
sub field { my ($pdf, $name) = @_; my @all = $pdf =~ /(\d+) 0 obj\s*(<<(?:(?!endobj).)*?\/T ?\(\Q$name\E\).*?>>)\s*endobj/sg; return @all[ -2, -1 ] }

# ---- B1: who may approve what, when --------------------------------------------------
my ($approved) = signed(authority => $site->approval($plain), $document);
my $deputy = { agency => 'H57.28', kind => 'person', account => 'deputy', role => 'deputy', title => 'Phó Chủ tịch', certificate => der('deputy') };
import_people({ bindings => [ { %$deputy, types => ['CV'] } ] });
refused(deputy => $site->approval($plain), $document, 'binding.type', 403, 'B1: a title without authority for this type');
my ($letter) = signed(deputy => $site->approval($plain, type => 'CV'), $document);
refused(clerk => $site->sealing, $letter, 'order.authority-of-other-agency', 409, 'B1: sealed as another type than the title may sign');
import_people({ bindings => [ { %$deputy, to => at_time(-3600) } ] });
refused(clerk => $site->sealing(type => 'CV'), $letter, 'order.authority-of-other-agency', 409, 'B1: the binding ended before the proved time');
import_people({ bindings => [ { %$deputy, from => at_time(3600) } ] });
refused(clerk => $site->sealing(type => 'CV'), $letter, 'order.authority-of-other-agency', 409, 'B1: the binding begins after the proved time');
refused(deputy => $site->approval($plain), $document, 'binding.none', 403, 'B1: nor does it sign yet');
import_people({ bindings => [ $deputy ] });

# ---- B2: a review is no approval ------------------------------------------------------
my ($reviewed) = signed(authority => { kind => 'check', secrecy => 'none', placement => $boxes->{check}, reserve => $site->approval($plain)->{reserve} }, $document);
refused(clerk => $site->sealing, $reviewed, 'order.not-approved', 409, "B2: the leader's own review offered as approval");

# ---- B4: reserved fields filled before the seal -----------------------------------------
my ($number, $dictionary) = field($approved, 'sgn_number');
ok($number, 'B4: the reserved field is found');
(my $filled = $dictionary) =~ s{/FT ?/Tx}{/FT /Tx/V (75)};
refused(clerk => $site->sealing, update($approved, $number => $filled), 'number.already-filled', 409, 'B4: a number filled in by a plain update');

# ---- B3: sealed once --------------------------------------------------------------------
my @both = at_once(map { sub { my ($job, $answer) = $client->post_job(clerk => $site->sealing, $approved); return ($answer->{status}, $job->{code} // '', $job->{id} // '') } } 1 .. 2);
is(join(' ', sort map { $_->[0] } @both), '201 409', 'B3: one approved file in two jobs at once: exactly one wins') or diag($Client::json->encode(\@both));
my ($won) = grep { $_->[0] == 201 } @both;
my ($lost) = grep { $_->[0] == 409 } @both;
is($lost->[1], 'seal.already-sealed', 'B3: the other is told seal.already-sealed');
is(scalar(grep { $_->{state} eq 'reserved' } register()), 1, 'B3: one number is taken');
$desk{clerk}->claim($won->[2]);
my @values = $desk{clerk}->values_of('seal-a');
my ($first) = $desk{clerk}->result(\@values);
my ($again, $http) = $desk{clerk}->result(\@values);
is($http->{status}, 200, 'A15: the same result twice is taken');
like($again->{items}[0]{status}, qr/^(?:signed|done)$/, 'A15: and says the same');
my ($other) = $desk{clerk}->result([ { n => 0, error => 'user.declined' } ]);
my $sealed_job = $client->wait_job(clerk => { id => $won->[2] }, 30);
is($sealed_job->{state}, 'done', 'A15: a third, other word changes nothing');
my $sealed = $client->document(clerk => $sealed_job);
my $problem = refused(clerk => $site->sealing, substr($sealed, 0, length $approved), 'seal.already-sealed', 409, 'B3: cut back to the personal revision and sealed again');
like($problem->{detail} // '', qr/\b$sealed_job->{items}[0]{number}\b/, 'B3: the number is named');
refused(reception => $site->sealing, substr($sealed, 0, length $approved), 'seal.already-sealed', 409, "B3: with the agency's other seal");

# ---- B5: what is read and what is drawn -----------------------------------------------
($number, $dictionary) = field($sealed, 'sgn_number');
my ($appearance) = $dictionary =~ m{/N (\d+) 0 R};
is($client->validate($sealed)->{indication}, 'TOTAL-PASSED', 'B5: the sealed file passes before');
(my $value = $dictionary) =~ s{/V ?(\([^)]*\)|<[^>]*>)}{/V (75)} or fail 'B5: no /V';
my %forged = (
    'another /V' => update($sealed, $number => $value),
    'another appearance' => update($sealed, $appearance => "<</Type/XObject/Subtype/Form/BBox[0 0 36 17]/Length 29>>\nstream\nBT /SgnF 13 Tf (75) Tj ET    \nendstream"),
    'both' => update($sealed, $number => $value, $appearance => "<</Type/XObject/Subtype/Form/BBox[0 0 36 17]/Length 0>>\nstream\n\nendstream"),
    'hidden' => update($sealed, $number => $dictionary =~ s{/F 4}{/F 6}r),
    'moved' => update($sealed, $number => $dictionary =~ s{/Rect ?\[[^\]]*\]}{/Rect [300 300 336 317]}r),
);
for my $how (sort keys %forged) {
    my $report = $client->validate($forged{$how});
    isnt($report->{indication}, 'TOTAL-PASSED', "B5: number field with $how: " . ($report->{indication} // 'none'));
    isnt($report->{legalValue} // '', 'full', "B5: number field with $how: not of full value");
}

# ---- B7: a later signature over the number ----------------------------------------------
for my $case ([ $approved, 'approved' ], [ $sealed, 'sealed' ]) {
    my ($problem, $answer) = $client->post_job(reviewer => { kind => 'check', secrecy => 'none', placement => $boxes->{number}, reserve => 'none' }, $case->[0]);
    is($answer->{status}, 422, "B7: a check over the number of a $case->[1] file: 422") or diag($answer->{content});
    is($problem->{code}, 'placement.over-text', "B7: $case->[1]: placement.over-text");
}

# ---- B8: between claim and result --------------------------------------------------------
my @more = map { (signed(authority => $site->approval($plain, subject => "Van ban $_"), $document))[0] } 1 .. 6;
my $custody = { certificate => der('seal-a'), account => 'clerk', decision => { number => '01/QĐ-UBND', date => '2026-01-05', signer => 'Nguyễn Văn An' } };
{
    my $job = claimed(clerk => $site->sealing, $more[0]);
    $desk{clerk}->progress('displayed');
    import_people({ custody => [ { %$custody, to => at_time(-1) } ] });
    $desk{clerk}->result([ $desk{clerk}->values_of('seal-a') ]);
    not_released(clerk => $job, 'custody.none', 'B8: custody withdrawn while the seal is on the desk');
    import_people({ custody => [ { %$custody, decision => { %{ $custody->{decision} }, number => '09/QĐ-UBND' } } ] });
    is((register())[1]{state}, 'void', 'B35: a value was brought, so its number is void, whatever the desk told');
}
{
    my $job = claimed(clerk => $site->sealing, $more[0]);
    api(clerk => POST => '/v1/incidents', { certificate => $pki->{certificates}{'seal-a'}{sha256}, class => 'stolen' });
    $desk{clerk}->result([ $desk{clerk}->values_of('seal-a') ]);
    not_released(clerk => $job, 'certificate.incident', 'B8: loss reported while the seal is on the desk');
    is(api(clerk => POST => '/v1/incidents/lift', { certificate => $pki->{certificates}{'seal-a'}{sha256} })->{status}, 403, 'B8: the clerk cannot lift it');
    is(api(authority => POST => '/v1/incidents/lift', { certificate => $pki->{certificates}{'seal-a'}{sha256} })->{status}, 200, 'B8: the authority can');
    is(api(clerk2 => POST => '/v1/incidents', { certificate => $pki->{certificates}{'seal-a'}{sha256}, class => 'stolen' })->{status}, 404, "B34: another agency's seal cannot be stopped");
}
{
    my $job = claimed(clerk => $site->sealing, $more[0]);
    $desk{clerk}->progress('displayed');
    is(api(clerk => DELETE => "/v1/jobs/$job->{id}")->{status}, 200, 'B8: cancelled while displayed');
    ok(!-e "$root/state/jobs/$job->{id}", 'B32: a cancelled job keeps no files');
    ok($desk{clerk}->progress('authorised')->{cancelled}, 'B8: the desk is told');
    $desk{clerk}->result([ $desk{clerk}->values_of('seal-a') ]);
    not_released(clerk => $job, 'job.cancelled', 'B8: a value after the cancel');
    is((register())[-1]{state}, 'freed', 'B35: its number is free');
    my ($poll) = $desk{clerk}->poll;
    is($poll, undef, 'B8: and nothing is offered');
}
{
    my $job = claimed(clerk => $site->sealing, $more[0]);
    $desk{clerk}->result([]);
    not_released(clerk => $job, 'token.failed', 'B35: a result that leaves the document out');
    $job = claimed(clerk => $site->sealing, $more[0]);
    my @values = $desk{clerk}->values_of('seal-b');
    $desk{clerk}->result(\@values);
    not_released(clerk => $job, 'result.mismatch', 'B8: the value of another key');
    $job = claimed(clerk => $site->sealing, $more[0]);
    my ($bad) = $desk{clerk}->result([ { n => -1, signature => 'AAAA' } ]);
    is($bad->{code}, 'request.field', 'result: document -1');
    ($bad) = $desk{clerk}->result([ { n => 9223372036854775807, signature => 'AAAA' } ]);
    is($bad->{code}, 'request.field', 'result: a document beyond all');
    $desk{clerk}->post('result', { jobID => $job->{id}, leaseID => 'lease-of-somebody-else', items => [], evidence => 'x' });
    is(decode(api(clerk => GET => "/v1/jobs/$job->{id}"))->{state}, 'claimed', 'result: none of them touched the job');
    $desk{clerk}->result([ $desk{clerk}->values_of('seal-a') ]);
    my ($late) = $desk{clerk}->post('reject', { jobID => $job->{id}, leaseID => $desk{clerk}{lease}, error => 'user.declined' });
    is($client->wait_job(clerk => $job, 30)->{state}, 'done', 'A15: a reject after the result undoes nothing');
}

# ---- numbers: none twice, none for nothing --------------------------------------------------
{
    my $before = scalar register();
    my @two = at_once(map { my $file = $_; sub { my ($job, $answer) = $client->post_job(clerk => $site->sealing, $file); return ($answer->{status}, $job->{items}[0]{number} // $job->{code}) } } @more[ 1, 2, 3 ]);
    is(join(' ', map { $_->[0] } @two), '201 201 201', 'numbers: three documents at once are all taken') or diag($Client::json->encode(\@two));
    my %seen = map { $_->[1] => 1 } @two;
    is(scalar keys %seen, 3, 'numbers: each with its own') or diag($Client::json->encode(\@two));
    my %part = Client::multipart({ agency => 'H57.28', documents => [ $site->sealing ] }, $more[4]);
    my @rows = register();
    my @five = at_once(map { sub { my $answer = $client->call(clerk => POST => '/signvn/v1/jobs', content => $part{content}, headers => { %{ $part{headers} }, 'Idempotency-Key' => 'attack-1' }); return ($answer->{status}, decode($answer)->{id} // decode($answer)->{code}) } } 1 .. 5);
    my %ids = map { $_->[1] => 1 } grep { $_->[0] == 201 } @five;
    is(scalar keys %ids, 1, 'Idempotency-Key: five at once are one job') or diag($Client::json->encode(\@five));
    ok(!(grep { $_->[0] != 201 && $_->[0] != 503 } @five), 'Idempotency-Key: the others get it or are asked to try again') or diag($Client::json->encode(\@five));
    is(scalar(register()) - scalar(@rows), 1, 'Idempotency-Key: one number');
    my $third = $client->call(clerk => POST => '/signvn/v1/jobs', content => $part{content}, headers => { %{ $part{headers} }, 'Idempotency-Key' => 'attack-1' });
    is(decode($third)->{id}, (keys %ids)[0], 'Idempotency-Key: the same answer later');
    my %another = Client::multipart({ agency => 'H57.28', documents => [ $site->sealing(subject => 'Khac') ] }, $more[4]);
    $third = $client->call(clerk => POST => '/signvn/v1/jobs', content => $another{content}, headers => { %{ $another{headers} }, 'Idempotency-Key' => 'attack-1' });
    is(decode($third)->{code}, 'idempotency.mismatch', 'Idempotency-Key: another body is refused');
    my $stranger = $client->call(reception => POST => '/signvn/v1/jobs', content => $part{content}, headers => { %{ $part{headers} }, 'Idempotency-Key' => 'attack-1' });
    is(decode($stranger)->{code}, 'seal.already-sealed', "Idempotency-Key: another person's key is his own");
    my %states = map { $_->{state} => 1 } register();
    ok(!(grep { !/^(?:reserved|used|freed|void)$/ } keys %states), 'B35: every number has a known state');
    api(clerk => DELETE => "/v1/jobs/$_->{id}") for grep { $_->{state} eq 'prepared' } @{ decode(api(clerk => GET => '/v1/jobs'))->{items} };
}

# ---- requests out of range --------------------------------------------------------------------
my $check = { kind => 'check', secrecy => 'none', placement => $boxes->{check}, reserve => 'none' };
refused(reviewer => { %$check, part => -1 }, $document, 'request.field', 422, 'part -1');
refused(reviewer => { %$check, part => 4294967296 }, $document, 'request.field', 422, 'part beyond 32 bits');
refused(reviewer => [ { %$check, part => 0 }, { %$check, part => 0 } ], $document, 'request.field', 422, 'one part for two documents');
refused(reviewer => { %$check, placement => { %{ $boxes->{check} }, page => -2 } }, $document, 'placement.outside-page', 422, 'page -2');
refused(reviewer => { %$check, placement => { %{ $boxes->{check} }, page => 9223372036854775807 } }, $document, 'placement.outside-page', 422, 'a page beyond all');
refused(reviewer => { %$check, placement => { %{ $boxes->{check} }, width => -50 } }, $document, 'placement.outside-page', 422, 'a box of negative width');
refused(reviewer => { %$check, subject => 'x' x 100_000 }, $document, 'request.field', 422, 'a subject of 100 kB');
refused(reviewer => { %$check, matchCode => 'abcd', subject => "a\0b" }, $document, 'request.json', 400, 'a NUL in a text');
for my $n ('99999999999999999999', '-1', '4294967296', '1x') {
    isnt(api(clerk => GET => "/v1/jobs/$sealed_job->{id}/documents/$n")->{status}, 200, "document $n of a job of one: nothing");
}

# ---- B12: guessing codes -----------------------------------------------------------------------
{
    my $code = $desk{deputy}->begin;
    my $thief = SignVN::Desk->new($site, 'reviewer');
    # as many others as the first half of a code that is not this one
    my $other = substr($code, 0, 1) eq 'Z' ? 'Y' : 'Z';
    my @answers = map { ($thief->request($other . 'UESS22' . $_))[0]{code} } 2 .. 5;
    is(join(' ', @answers), join(' ', ('enrol.code') x 4), 'B12: wrong codes');
    my $desk = SignVN::Desk->new($site, 'deputy');
    my ($asked) = $desk->request($code);
    ok($asked->{enrolmentID}, "B12: do not end somebody else's");
    $code = $desk{deputy}->begin;
    (my $near = $code) =~ s/.{4}\z//;
    @answers = map { ($thief->request($near . ($code =~ /QQQ\d\z/ ? 'RRR' : 'QQQ') . $_))[0]{code} } 2 .. 6;
    is(join(' ', @answers), join(' ', ('enrol.code') x 5), 'B12: with half of the code there are five tries');
    is(($thief->request($code))[0]{code}, 'enrol.code', 'B12: then it has ended');
    $code = $desk{deputy}->begin;
    ($near = $code) =~ s/.{4}\z/QQQ/;
    $thief->request("$near$_") for 2 .. 5;
    $thief->begin;
    $thief->request("${near}6");
    is(($thief->request($code))[0]{code}, 'enrol.code', 'B12: a code of the thief gives him no new tries');
    # an address of his own: the codes of others outlive what it may try
    my $far = SignVN::Desk->new($site, 'reviewer');
    $far->{client} = Client->new($site->{site});
    $far->{client}{http} = HTTP::Tiny->new(timeout => 30, local_address => '127.0.0.9');
    $code = $desk{deputy}->begin;
    my %told;
    for my $n (1 .. 30) {
        my ($problem, $answer) = $far->request(sprintf '%sZZ%05d', $other, $n);
        $told{ $problem->{code} }++;
        is("$answer->{status} $answer->{headers}{'retry-after'}", '429 60', 'B12: and when to try again') if $n == 30;
    }
    is_deeply(\%told, { 'enrol.code' => 20, 'enrol.too-many' => 10 }, 'B12: an address has twenty tries a minute');
    my ($late) = $far->post('enroll', { userCode => $code, agentName => 'x', agentKey => $far->{jwk}, appVersion => '1' }, headers => { 'X-Forwarded-For' => '192.0.2.1' });
    is($late->{code}, 'enrol.too-many', 'B12: not even the right one after them, whatever address it claims');
    ($asked) = SignVN::Desk->new($site, 'deputy')->request($code);
    ok($asked->{enrolmentID}, 'B12: which is good for everybody else');
}
{
    my $thief = SignVN::Desk->new($site, 'reviewer');
    my $code;
    $code = $desk{deputy}->begin;
    $code = $desk{deputy}->begin;
    my ($asked) = $thief->request($code);
    ok($asked->{enrolmentID}, 'B12: with the code a stranger asks');
    is($thief->confirm_as('reviewer', $code)->{code}, 'enrol.code', "B12: but cannot confirm somebody else's code");
    is(($thief->post('enroll/status', { enrolmentID => $asked->{enrolmentID} }))[1]{status}, 202, 'B12: and is nobody');
    is(($thief->post('poll', {}))[0]{code}, 'agent.proof', 'B12: nor may he poll');
}

# ---- B13: somebody else's certificate ------------------------------------------------------------
{
    my ($job) = $client->post_job(clerk => $site->sealing, $more[5]);
    my $told = $desk{authority}->list('authority', 'seal-a');
    is(join(' ', map { $_->{status} } @$told), 'bound unbound', "B13: the clerk's certificate on the authority's desk is unbound");
    is($desk{authority}->poll, undef, 'B13: and brings no job');
    my ($claim, $http) = $desk{authority}->claim($job->{id});
    is($claim->{code}, 'job.unknown', 'B13: the job does not exist for it');
    is(($desk{authority}->post("docs/$job->{id}/0", undef))[0]{code}, 'job.unknown', 'B13: nor its document');
    is(($desk{authority}->post('reject', { jobID => $job->{id}, leaseID => 'x' x 20, error => 'user.declined' }))[0]{code}, 'job.unknown', 'B13: nor can it be refused');
    is(($desk{clerk}->post("docs/$job->{id}/0", undef))[0]{code}, 'job.unknown', 'B13: nor is the document there before the claim');
    # ---- B14, B15 on the same job
    my ($mine) = $client->post_job(reviewer => $check, $document, matchCode => 'abcd');
    like($mine->{matchCode}, qr/^\d{4}$/, "B14: the match code is the server's");
    ($claim) = $desk{clerk}->claim($job->{id});
    is($desk{clerk}{request}{matchCode}, $job->{matchCode}, 'B14: and the same on the desk');
    my ($replayed, $again) = $desk{clerk}->post('claim', { jobID => $job->{id}, leaseID => $desk{clerk}{lease} }, proof => $desk{clerk}{last}, body => $Client::json->encode({ jobID => $job->{id}, leaseID => $desk{clerk}{lease} }));
    is("$again->{status} $replayed->{code}", '409 agent.replay', 'B15: a proof used twice');
    my %wrong = (
        'of another path' => { payload => { htu => '/signvn/agent/v1/claim' } }, 'of another method' => { payload => { htm => 'GET' } },
        'of another body' => { payload => { bodyHash => sha256_hex('') } }, 'with alg none' => { header => { alg => 'none' }, unsigned => 1 },
        'with alg HS256' => { header => { alg => 'HS256' } }, 'of another type' => { header => { typ => 'signvn-evidence+jwt' } },
        'of an hour ago' => { payload => { iat => int(time) - 3600 } }, 'of the next hour' => { payload => { iat => int(time) + 3600 } },
        'of another desk' => { header => { kid => $desk{authority}{id} } }, 'with a key of its own' => { header => { kid => undef, jwk => $desk{clerk}{jwk} } },
        'with crit' => { header => { crit => ['b64'] } }, 'without a signature' => { unsigned => 1 }, 'with a path to a file' => { header => { kid => '../../../etc/passwd' } },
        'with a number for a time' => { payload => { iat => 9223372036854775807 } }, 'with more' => { payload => { admin => 1 } },
    );
    for my $how (sort keys %wrong) {
        my ($problem, $answer) = $desk{clerk}->post('poll', {}, %{ $wrong{$how} });
        is("$answer->{status} " . ($problem->{code} // ''), '401 agent.proof', "B15: a proof $how") or diag($answer->{content});
    }
    is(($desk{clerk}->post('poll', {}, without => 1))[0]{code}, 'agent.proof', 'B15: no proof');
    is(($desk{clerk}->post('reject', { jobID => $job->{id}, leaseID => $desk{clerk}{lease}, error => 'user.declined', error_description => 'x' x 5000 }))[0]{code}, 'request.field', 'reject: a reason of 5 kB');
    $desk{clerk}->post('reject', { jobID => $job->{id}, leaseID => $desk{clerk}{lease}, error => 'user.declined' });
    is(decode(api(clerk => GET => "/v1/jobs/$job->{id}"))->{state}, 'rejected', 'reject: declined at the desk');
    ok(!-e "$root/state/jobs/$job->{id}", 'B32: a rejected job keeps no files');
    api(reviewer => DELETE => "/v1/jobs/$mine->{id}");
}

# ---- B17: other people's pages ---------------------------------------------------------------------
{
    my %part = Client::multipart({ agency => 'H57.28', documents => [ $check ] }, $document);
    my $csrf = decode(api(reviewer => GET => '/v1/session'))->{csrf};
    my $theirs = decode(api(clerk => GET => '/v1/session'))->{csrf};
    my $before = jobs_left();
    for my $case ([ 'a foreign Origin', { Origin => 'https://evil.example', 'X-SignVN-CSRF' => $csrf } ], [ 'Origin null', { Origin => 'null', 'X-SignVN-CSRF' => $csrf } ],
        [ 'Sec-Fetch-Site cross-site', { 'Sec-Fetch-Site' => 'cross-site', 'X-SignVN-CSRF' => $csrf } ], [ 'Sec-Fetch-Site same-site', { 'Sec-Fetch-Site' => 'same-site', 'X-SignVN-CSRF' => $csrf } ],
        [ 'a cookie without a token', { Cookie => 'session=1' } ], [ "another person's token", { Origin => $site->{site}{url}, 'X-SignVN-CSRF' => $theirs } ]) {
        my $answer = $client->call(reviewer => POST => '/signvn/v1/jobs', content => $part{content}, headers => { %{ $part{headers} }, %{ $case->[1] } });
        is("$answer->{status} " . (decode($answer)->{code} // ''), '403 csrf.refused', "B17: $case->[0]");
    }
    is(jobs_left(), $before, 'B17: nothing was stored');
    my $answer = $client->call(reviewer => POST => '/signvn/v1/jobs', content => $part{content}, headers => { %{ $part{headers} }, Origin => $site->{site}{url}, 'X-SignVN-CSRF' => $csrf });
    is($answer->{status}, 201, 'B17: the own page with its token is heard') or diag($answer->{content});
    my $id = decode($answer)->{id};
    is($client->call(reviewer => DELETE => "/signvn/v1/jobs/$id", headers => { Cookie => 'a=b' })->{status}, 403, 'B17: nor is a job cancelled from elsewhere');
    api(reviewer => DELETE => "/v1/jobs/$id");
}

# ---- B24: evidence that is not of now ----------------------------------------------------------------
for my $case ([ crl => 'off', ocsp => qw(replay old stranger later garbage redirect) ], [ ocsp => 'off', crl => qw(old stranger garbage redirect) ]) {
    my ($down, $how, $service, @faults) = @$case;
    fault($down => $how eq 'off' ? 'on' : $how);
    for my $fault (@faults) {
        fault($service => $fault);
        refused(reviewer => $check, $document, 'certificate.status-unknown', 503, "B24: $service.$fault is never good");
        fault($service => 'off');
    }
    fault($down => 'off');
}

# ---- B25: time-stamps that are not ours -----------------------------------------------------------------
{
    my @waiting;
    for my $fault (qw(replay nonce imprint stranger refuse garbage)) {
        fault(tsa => $fault);
        my $job = claimed(reviewer => $check, $document);
        $desk{reviewer}->result([ $desk{reviewer}->values_of('reviewer') ]);
        my $deadline = time + 8;
        do { sleep 0.1; $job = decode(api(reviewer => GET => "/v1/jobs/$job->{id}")) } while (!$job->{items}[0]{code} && $job->{state} eq 'returned' && time < $deadline);
        like($job->{items}[0]{code} // '', qr/^timestamp\.(?:refused|unavailable)$/, "B25: tsa.$fault: the token is not taken ($job->{items}[0]{state})") or diag($Client::json->encode($job));
        isnt($job->{state}, 'done', "B25: tsa.$fault: not done");
        is($client->call(reviewer => GET => "/signvn/v1/jobs/$job->{id}/documents/0")->{status}, 409, "B25: tsa.$fault: nothing comes out");
        fault(tsa => 'off');
    }
}

# ---- B29: identifiers that are paths ---------------------------------------------------------------------
my $archived = $sealed_job->{items}[0]{archived};
for my $id ('..', '%2e%2e', '..%2f..%2fetc%2fpasswd', '%2e%2e%2f%2e%2e', "$archived%2f..", "$archived%00", 'urn:vn:H57.28:2026:../../1', 'urn:vn:H57.28:2026:00000001%0a',
    'urn:vn:../../etc:2026:00000001', 'urn:vn:H57.28:evidence:' . '0' x 64, 'urn:vn:H57.28:2026:99999999', 'urn:vn:H57.29:2026:00000001', "x' OR '1'='1", 'a' x 5000) {
    (my $path = $id) =~ s/ /%20/g;
    for my $tail ('', '/original', '/evidence', '/versions/1') {
        my $answer = $client->call(archivist => GET => "/signvn/v1/archive/$path$tail");
        next if $answer->{status} =~ /^(?:400|403|404|414|422)$/;
        fail("B29: " . substr($id, 0, 60) . "$tail: $answer->{status}");
    }
}
for my $n ('0', '-1', '..', '99999999999999999999', '1%2f..') {
    unlike($client->call(archivist => GET => "/signvn/v1/archive/$archived/versions/$n")->{status}, qr/^(?:2|5)/, "B29: version $n: nothing");
}
pass('B29: no identifier led anywhere');

# ---- B30: searches that hurt -------------------------------------------------------------------------------
for my $q ('*', '?', '**', 'a*', 'NEAR(a%20b)', 'subject:quy', '%22', '%22%22%22', 'quy%22%20OR%20%221', "'%20OR%201=1%20--", '{a}', '^quy', 'a%20AND%20NOT%20b', '(((((', ('a%20') x 1 . join('%20', ('b') x 30), 'x' x 2000, '%5B%5B*%5D', '1?' x 200, '*' . 'a*' x 100 . '1') {
    my $began = time;
    my $answer = $client->call(archivist => GET => "/signvn/v1/archive?q=$q");
    my $took = time - $began;
    ok($answer->{status} == 200 || (decode($answer)->{code} // '') =~ /^(?:search\.(?:too-broad|syntax)|request\.(?:too-large|field))$/, 'B30: q=' . substr($q, 0, 30) . ": $answer->{status} " . (decode($answer)->{code} // '')) or diag($answer->{content});
    cmp_ok($took, '<', 2, 'B30: and within 2 s');
}
is(scalar @{ decode($client->call(clerk2 => GET => '/signvn/v1/archive?q=quy%20che'))->{items} || [] }, 0, "B34: a search finds nothing of another agency");
is(scalar @{ decode($client->call(clerk2 => GET => '/signvn/v1/archive?agency=H57.28'))->{items} || [] }, 0, 'B34: nor when it is named');
for my $args ('limit=-1', 'limit=99999', 'limit=0', 'after=%27%3b', 'q=%00', 'q=%ff', 'from=2026-13-99x', 'q=a&q=b') {
    unlike($client->call(archivist => GET => "/signvn/v1/archive?$args")->{status}, qr/^(?:2|5)/, "B30: $args is refused");
}

# ---- B31: one hostile subject through every sink ---------------------------------------------------------------
{
    my $evil = "<script>alert(1)</script><img src=x onerror=alert(1)> \e[31mred\e[0m\r\nX-Evil: 1\x{202e}gnp.exe =1+1|'\"&";
    my ($ours) = signed(authority => $site->approval($plain, subject => $evil), $document);
    my ($out, $job) = signed(clerk => $site->sealing(subject => $evil, metadata => { system => 'forged', legalValue => 'full', recipient => $evil }), $ours);
    my $raw = qr/[\x00-\x09\x0b-\x1f\x7f]/;
    my %sink = (
        'the job' => api(clerk => GET => "/v1/jobs/$job->{id}"), 'the list' => api(clerk => GET => '/v1/jobs'), 'the register' => api('clerk', GET => '/v1/registers/H57.28/' . strftime('%Y', localtime) . '/Q%C4%90'),
        'the search' => api(archivist => GET => '/v1/archive?q=script'), 'the record' => api(archivist => GET => "/v1/archive/$job->{items}[0]{archived}"), 'the audit' => api(it => GET => '/v1/audit'),
        'a refusal' => ($client->post_job(clerk => $site->sealing(kind => $evil), $ours))[1], 'a field' => ($client->post_job(clerk => $site->sealing(number => $evil), $ours))[1],
    );
    for my $name (sort keys %sink) {
        like($sink{$name}{headers}{'content-type'} // '', qr{^application/(?:problem\+)?json}, "B31: $name: JSON");
        unlike($sink{$name}{content}, $raw, "B31: $name: no control byte");
        ok(!$sink{$name}{headers}{'x-evil'}, "B31: $name: no header of his");
    }
    my $file = $client->call(clerk => GET => "/signvn/v1/jobs/$job->{id}/documents/0");
    ok(!$file->{headers}{'x-evil'}, 'B31: the file: no header of his');
    my $approval = (grep { ($_->{items}[0]{subject} // '') =~ /script/ } @{ decode(api(authority => GET => '/v1/jobs'))->{items} })[0];
    $file = $client->call(authority => GET => "/signvn/v1/jobs/$approval->{id}/documents/0");
    unlike($file->{headers}{'content-disposition'} // '', qr/[<>"\\\x00-\x1f]|\.\./, 'B31: the name of the file is escaped');
    my $html = $client->call(clerk => POST => '/signvn/v1/validations', content => $out, headers => { 'Content-Type' => 'application/pdf', Accept => 'text/html' });
    like($html->{headers}{'content-type'} // '', qr{^text/html}, 'B31: the report as HTML');
    unlike($html->{content}, qr/<script|<img|onerror=/i, 'B31: with nothing of his in it');
    like($html->{headers}{'content-security-policy'} // '', qr/default-src 'none'/, 'B31: and a policy that runs nothing');
    my $record = decode($sink{'the record'});
    isnt($record->{system} // $record->{metadata}{system} // '', 'forged', 'B31: metadata cannot name the system');
    for my $log (glob("$root/log/*.log"), glob("$root/state/log/*")) {
        my $text = Client::slurp($log);
        unlike($text, $raw, 'B31: no control byte in ' . (split m{/}, $log)[-1]);
        unlike($text, qr/^X-Evil/m, 'B31: no line of his in ' . (split m{/}, $log)[-1]);
    }
}

# ---- B34: every route that names a thing, for everybody else -------------------------------------------------------
{
    my $mine = $sealed_job->{id};
    my $validation = $client->validate($sealed, who => 'clerk')->{id} // 'none';
    my ($run) = map { $_->{run} // $_->{id} } @{ decode(api(it => GET => '/v1/backups'))->{items} || [] };
    my ($path, %routes);
    for (split /\n/, Client::slurp("$top/htdocs/signvn/openapi.yaml")) {
        $path = $1 if m{^  (/\S+):$};
        $routes{$path}{uc $1} = 1 if $path && /^    (get|post|delete):$/;
    }
    my ($tried, $leaks) = (0, 0);
    for my $pattern (sort keys %routes) {
        next if $pattern !~ /\{/;
        my ($id, @users) = $pattern =~ m{^/v1/jobs/} ? ($mine, grep { $_ ne 'clerk' } keys %{ $site->{site}{users} }) : $pattern =~ m{^/v1/archive/} ? ($archived, qw(clerk2 authority2 reviewer it))
            : $pattern =~ m{^/v1/validations} ? ($validation, qw(clerk2 authority2)) : $pattern =~ m{^/v1/agencies} ? ('H57.28', qw(clerk2 authority2)) : $pattern =~ m{^/v1/people} ? ('authority', qw(clerk2 authority2))
            : $pattern =~ m{backups} ? ($run // 'none', qw(clerk clerk2 authority authority2 reviewer reception inspector)) : ($mine, qw(clerk2 authority2));
        (my $where = $pattern) =~ s/\{(\w+)\}/{ id => $id, jobID => $id, run => $id, n => 0, agency => 'H57.28', year => strftime('%Y', localtime), series => 'QD' }->{$1} \/\/ 'x'/ge;
        for my $method (sort keys %{ $routes{$pattern} }) {
            for my $who (@users, undef) {
                my $answer = api($who, $method => $where, $method eq 'POST' ? {} : ());
                $tried++;
                next if $answer->{status} =~ /^(?:401|403|404|409|422)$/;
                $leaks++;
                fail("B34: $method $where as " . ($who // 'nobody') . ": $answer->{status}");
                diag(substr $answer->{content}, 0, 300);
            }
        }
    }
    is($leaks, 0, "B34: $tried requests by others for things of H57.28: none is answered");
    is(decode(api(clerk => GET => "/v1/jobs/$mine"))->{state}, 'done', 'B34: and the thing is still there');
}

# ---- B32: a flood ------------------------------------------------------------------------------------------------------
{
    my $bomb = "%PDF-1.7\n1 0 obj\n" . '<<' x 200_000 . "\nendobj\n" . join('', map { "$_ 0 obj[" . "$_ 0 R " x 50 . "]endobj\n" } 2 .. 3000) . "trailer<</Root 1 0 R/Size 3001>>\nstartxref\n9\n%%EOF\n";
    my (@flood, @calm);
    my @all = at_once(
        (map { my $n = $_; sub { my $answer = $n % 2 ? ($client->post_job(reviewer => $check, $bomb))[1] : $client->call(clerk => POST => '/signvn/v1/validations', content => $bomb, headers => { 'Content-Type' => 'application/pdf' }); return ($answer->{status}, $answer->{headers}{'retry-after'} // '', decode($answer)->{code} // '') } } 1 .. 60),
        (map { my $path = $_; sub { my $worst = 0; for (1 .. 15) { my $began = time; my $answer = $client->call('it', GET => $path); return (0, $answer->{status}) if $answer->{status} != 200; $worst = time - $began if time - $began > $worst; sleep 0.1 } return ($worst, 200) } } '/signvn/v1/health', '/signvn/style.css'),
        sub { for (1 .. 60) { my ($answer) = eval { [ signed(authority => $site->approval($plain), $document) ] }; return ('done') if $answer; return ("$@") if $@ !~ /503|busy/; sleep 0.5 } return ('never') },
    );
    my $signing = pop @all;
    my ($health, $static) = splice @all, -2;
    is($signing->[0], 'done', 'B32: a signing job completes amid 60 hostile uploads');
    is($health->[1], 200, 'B32: health answers');
    cmp_ok($health->[0], '<', 3, sprintf 'B32: within 3 s (%.2f)', $health->[0]);
    cmp_ok($static->[0], '<', 3, sprintf 'B32: a static page too (%.2f, %s)', @$static);
    my %statuses;
    $statuses{ $_->[0] }++ for @all;
    ok(!(grep { $_->[0] !~ /^(?:200|409|422|503)$/ } @all), 'B32: each is answered: ' . join(', ', map { "$_ x $statuses{$_}" } sort keys %statuses)) or diag($Client::json->encode(\@all));
    ok(!(grep { $_->[0] == 503 && !$_->[1] } @all), 'B32: busy carries Retry-After');
}

# ---- B8, B26: revocation; last, for nothing comes back ----------------------------------------------------------------------
sub revoke { my ($name, @when) = @_; $site->do(pki => revoke => $pki->{certificates}{$name}{serial}, @when) or die "revoke $name\n" }
{
    my $job = claimed(reception => $site->sealing, $more[5]);
    revoke('seal-a2');
    $desk{reception}->result([ $desk{reception}->values_of('seal-a2') ]);
    not_released(reception => $job, 'certificate.revoked', 'B8: the seal is revoked while on the desk');
}
{
    my ($by_deputy) = signed(deputy => $site->approval($plain), $document);
    my $job = claimed(clerk => $site->sealing, $by_deputy);
    revoke('deputy', strftime('%y%m%d%H%M%SZ', gmtime(time - 3600)));
    $desk{clerk}->result([ $desk{clerk}->values_of('seal-a') ]);
    not_released(clerk => $job, 'signature.final-check', "B8: the leader's certificate is revoked, from before his signature, while the seal is on the desk");
}
{
    # Without its time-stamp nothing but the signer's own word says when.
    my ($checked) = signed(reviewer => $check, $document);
    my ($before, $hex, $after) = $checked =~ m{\A(.*/Contents ?<)([0-9A-Fa-f]+)(>.*)\z}s or die 'no Contents';
    my $bare = without_timestamp(pack 'H*', $hex);
    my $file = $before . unpack('H*', $bare) . '0' x (length($hex) - 2 * length $bare) . $after;
    my $report = $client->validate($file);
    is($report->{signatures}[0]{level}, 'B-B', 'B26: a signature without its time-stamp') or diag($Client::json->encode($report));
    sleep 1;
    # a compromised key without a date of its loss would end the stamped one too
    revoke('reviewer', strftime('%y%m%d%H%M%SZ', gmtime), 'superseded');
    # a look may go by evidence that is some minutes old
    ok($site->do('clock', '+2h'), 'B26: two hours later');
    my $old = substr $report->{validationTime}, 0, 13;
    for (1 .. 30) { $report = $client->validate($file); last if substr($report->{validationTime}, 0, 13) ne $old; sleep 0.2 }
    is($report->{signatures}[0]{indication} // '', 'INDETERMINATE', 'B26: after the revocation its own date proves nothing') or diag($Client::json->encode($report));
    is($report->{signatures}[0]{subIndication} // '', 'REVOKED_NO_POE', 'B26: REVOKED_NO_POE');
    $report = $client->validate($checked);
    is($report->{signatures}[0]{indication}, 'TOTAL-PASSED', 'B26: with the time-stamp it was in time') or diag($Client::json->encode($report));
}

# ---- B32: what a keeper that died in the middle leaves ---------------------------------------------------------------------
{
    my ($keeper) = map { m{/proc/(\d+)/} } grep { (readlink($_) // '') =~ m{^\Q$root\E/bin/signvnd} } glob '/proc/[0-9]*/exe';
    ok($keeper, 'B32: the keeper runs');
    mkdir "$root/state/jobs/no-row-of-this";
    kill 'KILL', $keeper if $keeper;
    for (1 .. 100) { last if !-e "$root/state/jobs/no-row-of-this"; sleep 0.1 }
    ok(!-e "$root/state/jobs/no-row-of-this", 'B32: files of no job are gone after a start');
    ok(-e "$root/state/jobs/$sealed_job->{id}", 'B32: those of a job are not');
}

# SignedData without the unsigned attributes of its only signer.
sub split_der { my ($der) = @_; my @all; while (length $der) { my ($tag, $n) = unpack 'CC', $der; my $at = 2; if ($n & 0x80) { my $k = $n & 0x7f; $n = 0; $n = $n * 256 + ord substr $der, $at++, 1 for 1 .. $k } push @all, [ $tag, substr $der, $at, $n ]; $der = substr $der, $at + $n; last if $der =~ /\A\0*\z/ } return @all }
sub make_der { my ($tag, $value) = @_; my $n = length $value; return pack('C', $tag) . ($n < 128 ? pack 'C', $n : $n < 256 ? pack 'CC', 0x81, $n : pack 'Cn', 0x82, $n) . $value }
sub without_timestamp {
    my ($der) = @_;
    my @content = split_der((split_der($der))[0][1]);
    my @data = split_der((split_der($content[1][1]))[0][1]);
    my @signer = grep { $_->[0] != 0xa1 } split_der((split_der($data[-1][1]))[0][1]);
    $data[-1][1] = make_der(0x30, join '', map { make_der(@$_) } @signer);
    return make_der(0x30, make_der(@{ $content[0] }) . make_der(0xa0, make_der(0x30, join '', map { make_der(@$_) } @data)));
}
done_testing;
