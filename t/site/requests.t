#!/usr/bin/perl
# Jobs that no desk takes: refused, cancelled, expired; and what a second
# certificate or a missing image means.
use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use MIME::Base64 qw(encode_base64);
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
sub decode { return Client::decode($_[0]) }
sub get_job { my ($id, $who) = @_; return decode($client->call($who // 'authority', GET => "/signvn/v1/jobs/$id")) }

# ---- nobody at the desk ------------------------------------------------------------
my ($job, $answer) = $client->post_job(authority => $site->approval($plain), $document);
is($answer->{status}, 201, 'a job is taken without a desk');
is(get_job($job->{id})->{code}, 'agent.offline', 'and says agent.offline');
$answer = $client->call(authority => DELETE => "/signvn/v1/jobs/$job->{id}");
like($answer->{status}, qr/^20/, 'it is cancelled');
my $ended = get_job($job->{id});
is($ended->{state}, 'cancelled', 'and is so');
is($ended->{items}[0]{code} // $ended->{code}, 'job.cancelled', 'job.cancelled');
$answer = $client->call(authority => DELETE => "/signvn/v1/jobs/$job->{id}");
is(decode($answer)->{code}, 'job.state', 'a second time: job.state');
is($answer->{status}, 409, 'job.state: 409');
is(decode($client->call(deputy => GET => "/signvn/v1/jobs/$job->{id}"))->{code}, 'job.unknown', 'to another person it is unknown (B12)');

# ---- one key, two requests -----------------------------------------------------------
my %key = ('Idempotency-Key' => 'k-1');
my $post = sub {
    my ($spec) = @_;
    my %part = Client::multipart({ agency => $site->{site}{agency}, documents => [$spec] }, $document);
    return $client->call(authority => POST => '/signvn/v1/jobs', content => $part{content}, headers => { %{ $part{headers} }, %key });
};
my $first = $post->($site->approval($plain));
is($first->{status}, 201, 'a job with a key');
is(decode($post->($site->approval($plain)))->{id}, decode($first)->{id}, 'the same again is the same job');
$answer = $post->($site->approval($plain, subject => 'Khac'));
is($answer->{status}, 422, 'another body under the key is refused');
is(decode($answer)->{code}, 'idempotency.mismatch', 'idempotency.mismatch');

# ---- too many -------------------------------------------------------------------------
(my $many, $answer) = $client->post_job(authority => [ map { $site->approval($plain, part => 0) } 1 .. 101 ], $document);
is($many->{code}, 'job.too-many', '101 documents: job.too-many');
is($answer->{status}, 422, 'job.too-many: 422');

my $der = sub { return encode_base64(Client::slurp("$root/pki/certs/$_[0].der"), '') };
# ---- the place of a seal has the registered diameter (SV-D09) -------------------------------------
sub seal_rect { my ($pdf) = @_; my @all = $pdf =~ m{<<((?:(?!endobj).)*?/T ?\(sgn_seal\)(?:(?!endobj).)*?)>>\s*endobj}sg; my ($rect) = $all[-1] =~ m{/Rect ?\[([^\]]+)\]}; my @r = split ' ', $rect; return sprintf '%.0f', $r[2] - $r[0] }
{
    my $b = $site->{site}{agencies}[1];
    my ($image) = map { $_->{png} } grep { $_->{certificate} } @{ $Client::json->decode(Client::slurp("$root/people.json"))->{images} };
    my ($leader, $clerk) = map { SignVN::Desk->new($site, $_)->enrol } qw(authority2 clerk2);
    $leader->list('authority2');
    $clerk->list('seal-b');
    my $signed = sub {
        my ($desk, $who, $key, $spec, $bytes) = @_;
        my ($job, $answer) = $client->post_job($who, $spec, $bytes, agency => $b);
        return (undef, $job) if $answer->{status} != 201;
        $desk->claim($job->{id});
        $desk->result([ $desk->values_of($key) ]);
        $job = $client->wait_job($who, $job, 30);
        return ($client->document($who, $job), $job);
    };
    my ($small) = $signed->($leader, authority2 => 'authority2', $site->approval($plain), $document);
    is(seal_rect($small), '102', 'a seal of 36 mm has a place of 36 mm');
    import_people({ images => [ { certificate => $der->('seal-b'), png => $image, widthMm => 42 } ] });
    my ($large) = $signed->($leader, authority2 => 'authority2', $site->approval($plain, subject => 'Dau lon'), $document);
    is(seal_rect($large), '119', 'a seal of 42 mm has a place of 42 mm, whatever box was given');
    my ($sealed, $done) = $signed->($clerk, clerk2 => 'seal-b', $site->sealing, $large);
    is($done->{state}, 'done', 'and is sealed') or diag($Client::json->encode($done));
    is($client->validate($sealed, who => 'clerk2')->{indication}, 'TOTAL-PASSED', 'validly') if $sealed;
    ($sealed, $done) = $signed->($clerk, clerk2 => 'seal-b', $site->sealing, $small);
    is($done->{code}, 'reserve.too-narrow', 'a place that was made for a smaller seal is not overrun');
}

# ---- the clock goes on ------------------------------------------------------------------
ok($site->do('clock', '+2h'), 'two hours later');
for (1 .. 60) { last if get_job(decode($first)->{id})->{state} eq 'expired'; sleep 0.5 }
$ended = get_job(decode($first)->{id});
is($ended->{state}, 'expired', 'the job has expired');
is($ended->{items}[0]{code} // $ended->{code}, 'job.expired', 'job.expired');
ok($site->do('clock', 'now'), 'back to now');

# ---- certificates and images ---------------------------------------------------------------
sub import_people {
    my ($records) = @_;
    open my $out, '>:raw', "$root/more.json" or die;
    print $out $Client::json->encode($records);
    close $out;
    my $said = `'$root/bin/signvn' --config '$site->{site}{config}' people import '$root/more.json' 2>&1`;
    is($?, 0, 'the register takes it') or diag $said;
}
import_people({ bindings => [ { agency => 'H57.28', kind => 'person', account => 'deputy', role => 'authority', certificate => $der->('reviewer') } ] });
(my $two, $answer) = $client->post_job(deputy => $site->approval($plain), $document);
is($two->{code}, 'credential.choose', 'two usable certificates and none named: credential.choose');
is($answer->{status}, 409, 'credential.choose: 409');
import_people({
    people => [ { account => 'inspector', name => 'Trịnh Văn Tra', roles => [ { agency => 'H57.28', role => 'authority', title => 'Chủ tịch' } ] } ],
    bindings => [ { agency => 'H57.28', kind => 'person', account => 'inspector', role => 'authority', certificate => $der->('authority2') } ] });
(my $bare, $answer) = $client->post_job(inspector => $site->approval($plain), $document);
is($bare->{code}, 'image.missing', 'no image registered: image.missing');
is($answer->{status}, 409, 'image.missing: 409');

# the example that is installed, with this site's certificates and images in it
{
    my $example = Client::slurp(dirname(abs_path($0)) . '/../../conf/people.json');
    my %file = ('chu-tich.cer' => 'pki/certs/authority2.der', 'co-quan.cer' => 'pki/certs/seal-b.der', 'chu-ky.png' => 'samples/signature.png', 'con-dau.png' => 'samples/seal-b.png');
    $example =~ s/"base64 -w0 ([\w.-]+)"/'"' . encode_base64(Client::slurp("$root\/$file{$1}"), '') . '"'/ge;
    $example =~ s/H57\.28/H57.29/g;
    import_people($Client::json->decode($example));
    like(`'$root/bin/signvn' --config '$site->{site}{config}' people list`, qr/^an\.nguyen\t/m, 'conf/people.json makes people');
}

# ---- what a report says about the file itself ------------------------------------------------
for my $row ([ 'decision-hybrid.pdf', 'structure.hybrid' ], [ 'encrypted-empty-aes256.pdf', 'structure.encrypted' ]) {
    my $report = $client->validate($site->sample($row->[0]));
    is($report->{indication}, 'NO-SIGNATURE', "$row->[0]: no signature");
    ok((grep { $_->{code} eq $row->[1] } @{ $report->{findings} }), "$row->[0]: $row->[1]") or diag $Client::json->encode($report);
}
done_testing();
