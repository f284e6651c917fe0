#!/usr/bin/perl
# scripts/site as API.md promises it: one JSON line, several sites at once, and
# commands that act on the running one.
use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);
use lib dirname(abs_path($0)) . '/../lib';
use SignVN::Site;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);
my $scripts = dirname(abs_path($0)) . '/../../scripts';
my $one = SignVN::Site->new('--no-agents');
my $two = SignVN::Site->new('--no-agents');
my $site = $one->{site};

isnt($site->{url}, $two->{site}{url}, 'two sites run at once');
is_deeply([ sort keys %{ $site->{users} } ], [ sort qw(authority deputy clerk clerk2 authority2 reviewer reception archivist it inspector) ], 'ten users');
is_deeply([ sort keys %{ $site->{pki} } ], [ sort qw(root intermediates tsa ocsp crl) ], 'the PKI as API.md names it');
is_deeply($site->{agencies}, [ 'H57.28', 'H57.29' ], 'two agencies');
is(scalar @{ $site->{tokens} }, 7, 'seven tokens');
is_deeply([ sort keys %{ $site->{tokens}[0] } ], [ sort qw(label module conf pin credentialID owner algorithm certificate) ], 'each with its place and PIN');
ok(-f $site->{config}, 'the configuration is a file');
is(scalar @{ $site->{backup} }, 2, 'two places of backup');
ok(kill(0, $site->{pid}), 'the pid is alive');

sub spew { my ($path, $bytes) = @_; open my $out, '>', $path or die "$path: $!"; print $out $bytes; close $out }
my $health = sub { my ($which) = @_; return $which->client->call(it => GET => '/signvn/v1/health') };
my $said = $health->($one);
is($said->{status}, 200, 'health is 200');
my $body = $Client::json->decode($said->{content});
ok($body->{practice}, 'and shows the practice switch [THREATS A19]');
ok(!$body->{clockMoved}, 'the clock is true');

my $again = `'$scripts/site' start --root '$one->{root}'`;
is($Client::json->decode($again)->{pid}, $site->{pid}, 'a second start changes nothing');

ok($one->do('clock', '+61d') && 1, 'the clock moves');
my $moved = 0;
for (1 .. 30) { $moved = $Client::json->decode($health->($one)->{content})->{clockMoved} and last; sleep 0.2 }
ok($moved, 'and health tells so');
ok(!$Client::json->decode($health->($two)->{content})->{clockMoved}, 'the other site keeps its time');
ok($one->do('clock', 'now'), 'and comes back');

my ($token) = grep { $_->{owner} eq 'deputy' } @{ $site->{tokens} };
my $list = sub { return scalar `SOFTHSM2_CONF='$token->{conf}' pkcs11-tool --module '$token->{module}' -L 2>&1` };
like($list->(), qr/SignVN deputy/, 'the token is in');
ok($one->do('pull', 'SignVN deputy'), 'it is pulled');
unlike($list->(), qr/SignVN deputy/, 'and gone');
ok($one->do('insert', 'deputy'), 'it is put back');
like($list->(), qr/SignVN deputy/, 'and there');
ok(!$one->do('insert', 'deputy'), 'not twice');

ok($one->do('fault', 'crl', 'on'), 'the CRL server falls');
isnt(system("curl -s -f -o /dev/null $site->{pki}{crl}"), 0, 'and does not answer');
ok($one->do('fault', 'crl', 'off'), 'it stands up');
is(system("curl -s -f -o /dev/null $site->{pki}{crl}"), 0, 'and answers');
# the document system beside it
my $put = $one->client->call(clerk => PUT => '/dms/vanban.pdf', content => $one->sample('letter-table.pdf'), headers => { 'Content-Type' => 'application/pdf' });
is($put->{status}, 201, 'the practice DMS takes a document');
is($one->client->call(clerk => GET => '/dms/vanban.pdf')->{content}, $one->sample('letter-table.pdf'), 'and gives it back');
is($one->client->call(undef, GET => '/dms/vanban.pdf')->{status}, 401, 'to known users only');
ok(!$one->do('clock', 'soon'), 'a time that is none is refused');
ok(!$one->do('nonsense'), 'so is a command that is none');

# the administrator who forgot who he is
SKIP: {
    skip 'only root can be somebody else', 2 if $> != 0;
    my $denied = `setpriv --reuid=nobody --regid=nogroup --clear-groups '$one->{root}/bin/signvn' --config '$site->{config}' people list 2>&1`;
    isnt($?, 0, 'the command line is for root');
    like($denied, qr/access\.denied.*sudo signvn/, 'and says so, instead of asking to wait');
}
like(`'$one->{root}/bin/$_' --help`, qr/[\xe1-\xe3].*\n.*\w/, "$_ --help speaks Vietnamese first") for qw(signvn signvnd signvn-agent);
like(`'$one->{root}/bin/signvn' verify --help`, qr/^  signvn verify FILE/m, 'help is given behind a command too');

# a start that fails says why, and leaves nothing running
sub start { my (@words) = @_; my $said = `'$scripts/site' start @words 2>&1`; return ($? == 0, $said) }
my $root = $two->{root};
my ($port) = $two->{site}{url} =~ /:(\d+)$/;
my ($good, $said_start) = start('--root', "$root/other", '--port', $port, '--no-agents');
ok(!$good, 'a port is not given twice');
like($said_start, qr/port $port is taken by pid \d+ \(\S*(?:apache2|httpd) /, 'and who has it is told');
ok($two->do('stop'), 'the second site stops');
rename "$root/state/db", "$root/state/db.off" or die;
spew("$root/state/db", '');
($good, $said_start) = start('--root', $root, '--no-agents');
ok(!$good, 'without its databases it does not start');
like($said_start, qr/httpd ended with \d+\n-- \S+error\.log\n.*database\.failed: open /s, 'and the reason is told');
ok(!$two->do('status'), 'httpd does not run');
isnt(system("'$scripts/practice-services' '$root/pki' status > /dev/null"), 0, 'nor do the services');
unlink "$root/state/db";
rename "$root/state/db.off", "$root/state/db" or die;
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1, ReuseAddr => 1) or die;
($good, $said_start) = start('--root', $root, '--no-agents', '--port', 0);
ok($good, 'with --port 0 another port is found') or diag $said_start;
unlike($said_start, qr/"url":"[^"]*:$port"/, 'which is not the taken one');
ok($two->do('stop'), 'it stops again');
close $listener;
my ($port_now) = $said_start =~ /"url":"[^"]*:(\d+)"/;

# httpd's own end: its parent unloads the module before it is through
my $pid = fork // die;
if (!$pid) { open STDERR, '>', "$root/log/last"; exec '/usr/sbin/apache2', '-f', "$root/conf/httpd.conf", '-DFOREGROUND' or POSIX::_exit(127) }
for (1 .. 200) { last if -s "$root/run/httpd.pid" && Client->new({ url => "http://127.0.0.1:$port_now" })->call(undef, GET => '/signvn/v1/health')->{status} == 200; sleep 0.1 }
kill 'TERM', $pid;
waitpid $pid, 0;
is($?, 0, 'httpd ends without a crash');
done_testing();
