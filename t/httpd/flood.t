# B32, A16: two hundred uploads that trickle hold a handful of threads, and the
# rest of the server does not notice.
use strict;
use warnings FATAL => 'all';
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time sleep);
use SignVN::Test;

sub measure {
    my @took;
    for (1 .. 200) {
        my $start = time;
        my $page = ask(GET => '/signvn/style.css', user => 'anh');
        push @took, time - $start if $page->{status} == 200;
    }
    return sort { $a <=> $b } @took;
}

my @idle = measure();
is scalar @idle, 200, 'static pages are served';
my @hostile = map {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => port(), Timeout => 5) or die "no connection $_: $!";
    print $socket "POST /signvn/v1/validations HTTP/1.1\r\nHost: x\r\nAuthorization: " . basic('binh') . "\r\nContent-Type: application/pdf\r\nContent-Length: 1000000\r\n\r\n%PDF-";
    $socket->flush;
    $socket;
} 1 .. 200;
sleep 0.5;
my @busy = measure();
is scalar @busy, 200, 'every static page is served under 200 trickling uploads';
cmp_ok $busy[197], '<', 0.05, sprintf 'the 99th of 100 in less than 50 ms (%.1f ms, idle %.1f ms)', 1000 * $busy[197], 1000 * $idle[197];
my ($type, $body) = multipart([job => undef, undef, '{"documents":[{"secrecy":"none"}]}'], [document => 'a.pdf', 'application/pdf', '%PDF-' x 1000]);
is ask(POST => '/signvn/v1/jobs', user => 'anh', body => $body, headers => { 'Content-Type' => $type })->{status}, 201, 'a signing job is taken meanwhile';
my $refused = 0;
for my $socket (@hostile) {
    my $bits = '';
    vec($bits, fileno $socket, 1) = 1;
    next if !select $bits, undef, undef, 0;
    sysread $socket, my $answer, 200;
    $refused++ if ($answer // '') =~ m{^HTTP/1.1 503};
}
cmp_ok $refused, '>=', 190, "the others were told to come again ($refused of 200)";
close $_ for @hostile;
sleep 0.5;
is ask(POST => '/signvn/v1/validations', user => 'anh', body => '%PDF-', headers => { 'Content-Type' => 'application/pdf' })->{status}, 200, 'and afterwards there is room';
done_testing;
