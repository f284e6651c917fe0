# The module with signvnd itself: it starts, answers, survives, checks.
use strict;
use warnings FATAL => 'all';
use Test::More;
use Time::HiRes qw(time sleep);
use SignVN::Test;

my $health = ask(GET => '/signvn/v1/health');
is $health->{status}, 200, 'the keeper is well' or diag $health->{body};
my $info = ask(GET => '/signvn/v1/info');
is $info->{status}, 200, 'and tells what it is';

is sprintf('%o', (stat state() . '/state')[2] & 07777), 700, 'its directory is closed to others';

my $session = ask(GET => '/signvn/v1/session', user => 'anh');
is $session->{json}{account}, 'anh', 'it knows who asks';
like $session->{json}{csrf}, qr/^[\w-]{43}$/, 'and the module adds the token';

my $not = ask(POST => '/signvn/v1/validations', user => 'anh', body => 'no PDF at all', headers => { 'Content-Type' => 'application/pdf' });
is $not->{status}, 200, 'a file that is no PDF can be looked at' or diag $not->{body};
is $not->{json}{indication}, 'UNSUPPORTED', 'and is told apart from a bad signature';
my $html = ask(POST => '/signvn/v1/validations', user => 'anh', body => 'no PDF at all', headers => { 'Content-Type' => 'application/pdf', Accept => 'text/html' });
like $html->{headers}{'content-type'} // '', qr{^text/html}, 'a page when a page is asked for';

my $keeper = sub { my ($pid) = `pgrep -f '^[^ ]*/signvnd' -P ${\ httpd_pid()}` =~ /(\d+)/; $pid };
for my $round (1 .. 2) {
    my $before = $keeper->();
    ok $before, 'the keeper is a child of httpd';
    kill KILL => $before;
    my ($began, $status) = (time);
    do { $status = ask(GET => '/signvn/v1/health')->{status}; sleep 0.02 } until $status == 200 || time - $began > 5;
    is $status, 200, "kill -9, round $round: it answers again";
    cmp_ok time - $began, '<', 2, 'within two seconds';
    sleep 2.2;
}
my $before = $keeper->();
kill USR1 => httpd_pid();
sleep 1.5;
is $keeper->(), $before, 'graceful: the same keeper';
is ask(GET => '/signvn/v1/health')->{status}, 200, 'which still answers';
done_testing;
